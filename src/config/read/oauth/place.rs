//! Where the gateway itself is found: people who log in come back to `server.public_url`.

use crate::config::model::Config;
use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::url::parse_fetch;
use crate::engine::route::PublicBase;

const PUBLIC_URL: &str = "https://host[/path] by which people and clients reach the gateway: the provider sends people back there, and tokens are for it";
const PUBLIC_URL_FORM: &str = "https://host[:port][/path] as browsers show it (lower case, no port that goes without saying), or http:// of a loopback address: people log in there, and browsers keep the cookie of a login on secure origins alone";

const BASE: &str = "the base address alone, without /oauth/callback, which the gateway adds where it tells the provider";

/// Where clients come, below `public_url`.
const ENDPOINT: &str = "/mcp";

/// Where the provider sends people back, below `public_url`.
const CALLBACK: &str = "/oauth/callback";

/// Checks `public_url` where people log in, and fills in what follows from it.
pub(in crate::config::read) fn place(top: &Table<'_>, config: &mut Config) {
    let public_url = config.server.public_url.clone();
    let Some(oauth) = config.auth.oauth.as_mut() else {
        return;
    };
    let written = std::mem::take(&mut oauth.redirect_uri);
    let Some(url) = public_url else {
        if oauth.login && !is_written(top) {
            let accepted = PUBLIC_URL;
            top.cx
                .report("server.public_url", Problem::Missing { accepted });
        }
        return;
    };
    refuse_more_than_base(top, &url);
    let expected = format!("{url}{CALLBACK}");
    if !written.is_empty() && written != expected {
        let accepted = format!("{expected}, which it is without the key too");
        let value = Some(written);
        top.cx.report(
            "auth.oauth.redirect_uri",
            Problem::Malformed { value, accepted },
        );
    }
    if oauth.login {
        check_url(top, &url);
    } else if url.starts_with("http://") && parse_fetch(&url).is_none() {
        top.cx
            .report("server.public_url", Problem::PublicUrlInClear);
    }
    oauth.redirect_uri = expected;
}

/// Whether the file has one, sound or not.
fn is_written(top: &Table<'_>) -> bool {
    let server = top.node.and_then(|root| root.child("server"));
    server.is_some_and(|server| server.child("public_url").is_some())
}

/// People copy the address that they gave to the provider, or the one that clients use.
fn refuse_more_than_base(top: &Table<'_>, url: &str) {
    const KEY: &str = "server.public_url";
    if url.ends_with(CALLBACK) {
        let (value, accepted) = (Some(url.to_owned()), BASE.to_owned());
        top.cx.report(KEY, Problem::Malformed { value, accepted });
    } else if url.ends_with(ENDPOINT) {
        let client = format!("{url}{ENDPOINT}");
        top.cx.report(KEY, Problem::PublicUrlOfEndpoint { client });
    }
}

fn check_url(top: &Table<'_>, url: &str) {
    let base = PublicBase::parse(url).filter(|base| is_origin(base.origin()));
    if parse_fetch(url).is_none() || base.is_none() {
        let (value, accepted) = (Some(url.to_owned()), PUBLIC_URL_FORM.to_owned());
        top.cx
            .report("server.public_url", Problem::Malformed { value, accepted });
    }
}

/// Whether browsers write `origin` so: what they send is compared with it.
fn is_origin(origin: &str) -> bool {
    let implied = match origin.split_once("://") {
        Some(("https", _)) => ":443",
        _ => ":80",
    };
    !origin.bytes().any(|byte| byte.is_ascii_uppercase()) && !origin.ends_with(implied)
}
