//! Where the provider is: what is written, and for known providers what follows from that.
//!
//! Sources: GitHub "Authorizing OAuth apps" and "REST API endpoints for OAuth authorizations"; Google "OpenID Connect"; Okta
//! "OpenID Connect & OAuth 2.0 API".

use crate::config::model::{FetchUrl, OAuthProvider};
use crate::config::problem::Problem;
use crate::config::read::scopes::is_token;
use crate::config::read::table::Table;
use crate::config::url::parse_fetch;
use crate::engine::limits::JWT_ISSUER_BYTES_MAX;

const URL: &str = "https://host[:port]/path without user information and fragment, or http:// of a loopback address";
const ISSUER_FORM: &str = "https://host[:port][/path], or http:// of a loopback address, exactly as the provider names itself: without query and fragment, at most 256 characters";
const OKTA_ISSUER: &str = "https://{domain}/oauth2/{id} of a custom authorization server such as \"default\", or https://{domain} of the org; without a slash at its end";
const ISSUER_ONLY: &str = "what stands before /.well-known: the issuer is the provider's name, and its documents are looked for below it";
const ISSUER: &str = "the issuer of an OpenID provider, at which its endpoints are found; or authorization_url, token_url and userinfo_url; or, to take tokens of the provider alone, introspection_url";
const TOKEN: &str = "where codes are redeemed; or issuer, where it is found";
const USERINFO: &str =
    "where users are asked about; or issuer, which says who a user is in its ID tokens";
const ENTERPRISE: &str = "the same host's: authorization_url, token_url and userinfo_url of GitHub Enterprise Server go together (https://HOST/login/oauth/authorize, https://HOST/login/oauth/access_token, https://HOST/api/v3/user)";
const TOKEN_CHECK: &str = "where GitHub checks tokens: {api}/applications/{client_id}/token, since userinfo_url does not end in /user";

/// What the address of a provider's document has, and its issuer has not.
const WELL_KNOWN: &str = "/.well-known/";

/// Of a login without an authorization endpoint.
pub(super) const AUTHORIZATION: &str =
    "where people log in at the provider; or issuer, where it is found";

/// What GitHub, Google and Okta have.
#[derive(Default)]
struct Known {
    issuer: Option<String>,
    authorization: Option<String>,
    token: Option<String>,
    introspection: Option<String>,
    userinfo: Option<String>,
}

/// The provider's URLs.
pub(super) struct Endpoints {
    /// Its issuer identifier.
    pub(super) issuer: Option<FetchUrl>,
    /// Where people log in.
    pub(super) authorization: Option<FetchUrl>,
    /// Where codes are redeemed.
    pub(super) token: Option<FetchUrl>,
    /// Where opaque tokens are asked about.
    pub(super) introspection: Option<FetchUrl>,
    /// Where users are asked about.
    pub(super) userinfo: Option<FetchUrl>,
}

/// The URLs that are written, those that follow from them, and `ca_path` for all of them.
pub(super) fn read(
    table: &Table<'_>,
    provider: OAuthProvider,
    client_id: Option<&str>,
) -> Endpoints {
    let issuer = issuer(table, provider);
    let mut found = Endpoints {
        issuer,
        authorization: url(table, "authorization_url"),
        token: url(table, "token_url"),
        introspection: url(table, "introspection_url"),
        userinfo: url(table, "userinfo_url"),
    };
    match provider {
        OAuthProvider::GitHub => github(table, &mut found, client_id),
        OAuthProvider::Google => found.fill(table, google()),
        OAuthProvider::Okta => {
            let known = found.issuer.as_ref().map(okta).unwrap_or_default();
            found.fill(table, known);
        }
        OAuthProvider::Custom => require_any(table),
    }
    found.vouched_by(table);
    found
}

fn url(table: &Table<'_>, key: &str) -> Option<FetchUrl> {
    let text = table.text(key)?;
    parse_fetch(text).or_else(|| refuse(table, key, text, URL))
}

/// The issuer, as exactly as it is compared. It becomes part of identities.
fn issuer(table: &Table<'_>, provider: OAuthProvider) -> Option<FetchUrl> {
    let is_okta = provider == OAuthProvider::Okta;
    if is_okta {
        table.require("issuer", OKTA_ISSUER);
    }
    let text = table.text("issuer")?;
    if text.contains(WELL_KNOWN) {
        return refuse(table, "issuer", text, ISSUER_ONLY);
    }
    let url = parse_fetch(text)
        .filter(|url| is_token(&url.text, JWT_ISSUER_BYTES_MAX) && !url.text.contains('?'));
    match url {
        None => refuse(table, "issuer", text, ISSUER_FORM),
        Some(url) if is_okta && okta_base(&url).is_none() => {
            refuse(table, "issuer", text, OKTA_ISSUER)
        }
        sound => sound,
    }
}

/// User information in a URL is a credential: such a value is not shown.
fn refuse<T>(table: &Table<'_>, key: &str, text: &str, accepted: &str) -> Option<T> {
    let value = (!text.contains('@')).then(|| text.to_owned());
    let accepted = accepted.to_owned();
    table.report(key, Problem::Malformed { value, accepted });
    None
}

/// Nothing is known of other providers.
fn require_any(table: &Table<'_>) {
    let is_silent = ["issuer", "authorization_url", "introspection_url"]
        .iter()
        .all(|key| !table.has(key));
    if is_silent {
        table.report("issuer", Problem::Missing { accepted: ISSUER });
    }
}

/// Everything of GitHub follows from where people log in and where users are asked about.
fn github(table: &Table<'_>, found: &mut Endpoints, client_id: Option<&str>) {
    let keys = ["authorization_url", "token_url", "userinfo_url"];
    if keys.iter().any(|key| table.has(key)) {
        keys.iter().for_each(|key| table.require(key, ENTERPRISE));
    }
    found.fill(
        table,
        Known {
            authorization: Some("https://github.com/login/oauth/authorize".to_owned()),
            token: Some("https://github.com/login/oauth/access_token".to_owned()),
            userinfo: Some("https://api.github.com/user".to_owned()),
            ..Known::default()
        },
    );
    let base = |url: &Option<FetchUrl>, suffix: &str| {
        let text = url.as_ref()?.text.strip_suffix(suffix)?;
        Some(text.to_owned())
    };
    // As GitHub names itself in `iss` (RFC 9207) since April 2026.
    let issuer = base(&found.authorization, "/authorize");
    let api = base(&found.userinfo, "/user");
    if api.is_none() && found.userinfo.is_some() {
        table.require("introspection_url", TOKEN_CHECK);
    }
    let client_id = client_id.filter(|id| is_path_segment(id));
    let check = api.zip(client_id);
    found.fill(
        table,
        Known {
            issuer,
            introspection: check.map(|(api, id)| format!("{api}/applications/{id}/token")),
            ..Known::default()
        },
    );
}

/// Whether `text` can stand in a path as it is.
fn is_path_segment(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(known) && !matches!(text, "." | "..")
}

fn google() -> Known {
    let text = |text: &str| Some(text.to_owned());
    Known {
        issuer: text("https://accounts.google.com"),
        authorization: text("https://accounts.google.com/o/oauth2/v2/auth"),
        token: text("https://oauth2.googleapis.com/token"),
        introspection: text("https://oauth2.googleapis.com/tokeninfo"),
        userinfo: text("https://openidconnect.googleapis.com/v1/userinfo"),
    }
}

fn okta(issuer: &FetchUrl) -> Known {
    let Some(base) = okta_base(issuer) else {
        return Known::default();
    };
    let at = |name: &str| Some(format!("{base}/v1/{name}"));
    Known {
        issuer: None,
        authorization: at("authorize"),
        token: at("token"),
        introspection: at("introspect"),
        userinfo: at("userinfo"),
    }
}

/// What Okta's endpoints begin with: the issuer of a custom authorization server, `{issuer}/oauth2` of an org.
fn okta_base(issuer: &FetchUrl) -> Option<String> {
    let text = &issuer.text;
    let is_org = issuer.target == "/" && !text.ends_with('/');
    let id = issuer.target.strip_prefix("/oauth2/");
    let is_custom = id.is_some_and(|id| !id.is_empty() && !id.contains(['/', '?']));
    match (is_org, is_custom) {
        (true, _) => Some(format!("{text}/oauth2")),
        (false, true) => Some(text.clone()),
        (false, false) => None,
    }
}

impl Endpoints {
    /// Puts what is known where nothing is written.
    fn fill(&mut self, table: &Table<'_>, known: Known) {
        let places = [
            (&mut self.issuer, "issuer", known.issuer),
            (
                &mut self.authorization,
                "authorization_url",
                known.authorization,
            ),
            (&mut self.token, "token_url", known.token),
            (
                &mut self.introspection,
                "introspection_url",
                known.introspection,
            ),
            (&mut self.userinfo, "userinfo_url", known.userinfo),
        ];
        for (place, key, known) in places {
            if place.is_none() && !table.has(key) {
                *place = known.as_deref().and_then(parse_fetch);
            }
        }
    }

    /// What a login at a `custom` provider without an issuer needs beside the authorization endpoint.
    pub(super) fn require_for_login(&self, table: &Table<'_>) {
        if self.issuer.is_none() && !table.has("issuer") {
            table.require("token_url", TOKEN);
            table.require("userinfo_url", USERINFO);
        }
    }

    /// Who vouches for users: part of their identities.
    pub(super) fn realm(&self, provider: OAuthProvider) -> String {
        match provider {
            OAuthProvider::GitHub | OAuthProvider::Google => provider.as_str().to_owned(),
            OAuthProvider::Okta | OAuthProvider::Custom => {
                let origin = || {
                    let url = self.authorization.as_ref().or(self.introspection.as_ref());
                    url.map(origin)
                };
                let issuer = self.issuer.as_ref().map(|issuer| issuer.text.clone());
                issuer.or_else(origin).unwrap_or_default()
            }
        }
    }

    /// `ca_path` for every URL that is fetched over TLS.
    fn vouched_by(&mut self, table: &Table<'_>) {
        let Some(path) = table.file_path("ca_path") else {
            return;
        };
        let urls = [
            &mut self.issuer,
            &mut self.authorization,
            &mut self.token,
            &mut self.introspection,
            &mut self.userinfo,
        ];
        let mut secure = urls.into_iter().flatten().filter(|url| url.is_secure);
        let first = secure.next();
        if first.is_none() {
            let reason = "no URL of the provider is https";
            let remedy = "nobody vouches for a plain connection; remove it, or write https://";
            table.report("ca_path", Problem::Unused { reason, remedy });
        }
        first
            .into_iter()
            .chain(secure)
            .for_each(|url| url.ca_path = Some(path.clone()));
    }
}

/// Scheme and authority, as written.
fn origin(url: &FetchUrl) -> String {
    let start = url.text.find("://").map_or(0, |at| at + "://".len());
    let length = url.text[start..].find(['/', '?']);
    url.text[..length.map_or(url.text.len(), |length| start + length)].to_owned()
}
