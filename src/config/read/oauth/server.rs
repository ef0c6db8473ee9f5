//! `[auth.oauth.server]` and its clients.

use std::collections::HashMap;
use std::time::Duration;

use super::{DAY, HOUR, MINUTE, secret_of_at_least};
use crate::config::model::{OAuthClient, OAuthServer};
use crate::config::problem::Problem;
use crate::config::read::scopes::is_token;
use crate::config::read::table::Table;
use crate::config::tree::Value;
use crate::config::url::split_authority;
use crate::engine::limits::{
    OAUTH_ACCESS_TOKEN_SECS_MAX, OAUTH_CLIENT_ID_BYTES_MAX, OAUTH_CLIENT_NAME_CHARS_MAX,
    OAUTH_CLIENT_SECRET_BYTES_MIN, OAUTH_CONFIGURED_CLIENTS_MAX, OAUTH_REDIRECT_URIS_MAX,
};
use crate::engine::oauth::{RedirectUri, Registration, shown_name};

const CLIENT_ID: &str = "a name for the client, which it is told too: 1 to 512 printable ASCII characters without space, quote and backslash; no URL, and not beginning with reg_";
const NAME: &str = "1 to 128 characters that can be seen";
const REDIRECTS: &str = "where the client's users may be sent back to, at least one";
const REDIRECT: &str = "https://host/path, http:// of a loopback address, or a scheme of the client's own with a dot in it (com.example.app:/callback)";
const HOST: &str = "a host name or an address, without scheme, port and path";

/// What the store keeps of grants lives at least as long.
const ACCESS_TOKEN_TTL_MAX: Duration = Duration::from_secs(OAUTH_ACCESS_TOKEN_SECS_MAX);

/// `[auth.oauth.server]` where it is enabled. Whatever is wrong with it is reported either way.
pub(super) fn read(table: &Table<'_>) -> Option<OAuthServer> {
    if !table.is_present() {
        return None;
    }
    if !table.has("enabled") {
        table.report("enabled", Problem::SwitchedOff);
    }
    let is_enabled = table.has("enabled") && table.flag("enabled") != Some(false);
    let refresh = table.duration("refresh_token_ttl", 10 * MINUTE..=365 * DAY);
    let grant_ttl = table.duration("grant_ttl", HOUR..=365 * DAY);
    let grant_ttl = grant_ttl.unwrap_or(90 * DAY);
    if refresh.is_some_and(|refresh| refresh > grant_ttl) {
        let other = format!("a shorter {}", table.path_of("grant_ttl"));
        let remedy = "a refresh token ends with its grant; raise grant_ttl, or lower it";
        table.report("refresh_token_ttl", Problem::Conflict { other, remedy });
    }
    let access = table.duration("access_token_ttl", MINUTE..=ACCESS_TOKEN_TTL_MAX);
    let flag = |key: &str| table.flag(key).unwrap_or(true);
    let server = OAuthServer {
        access_token_ttl: access.unwrap_or(10 * MINUTE),
        refresh_token_ttl: refresh.unwrap_or(grant_ttl.min(14 * DAY)),
        grant_ttl,
        dynamic_registration: flag("dynamic_registration"),
        client_id_documents: flag("client_id_documents"),
        trusted_client_hosts: hosts(table),
        client_ca_path: table.file_path("client_ca_path"),
        clients: clients(table),
    };
    warn_of_documents(table, &server);
    let has_no_client =
        !server.dynamic_registration && !server.client_id_documents && !table.has("clients");
    if is_enabled && has_no_client {
        let reason = "no client could ever be known";
        let remedy = "add [[auth.oauth.server.clients]], or leave dynamic_registration or client_id_documents on";
        table.report("enabled", Problem::Unused { reason, remedy });
    }
    is_enabled.then_some(server)
}

/// Keys about documents that nobody looks at.
fn warn_of_documents(table: &Table<'_>, server: &OAuthServer) {
    for key in ["trusted_client_hosts", "client_ca_path"] {
        if table.has(key) && !server.client_id_documents {
            let reason = "no metadata document of a client is fetched";
            let remedy = "set client_id_documents = true, or remove the key";
            table.report(key, Problem::Unused { reason, remedy });
        }
    }
}

fn hosts(table: &Table<'_>) -> Vec<String> {
    let hosts = table.parsed("trusted_client_hosts", HOST, |text| {
        let (host, port) = split_authority(text)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        port.is_none().then(|| bare.to_ascii_lowercase())
    });
    hosts.unwrap_or_default()
}

fn clients(table: &Table<'_>) -> Vec<OAuthClient> {
    let tables = table.sections("clients");
    if tables.len() > OAUTH_CONFIGURED_CLIENTS_MAX {
        let value = tables.len().to_string();
        let accepted = format!("up to {OAUTH_CONFIGURED_CLIENTS_MAX} clients");
        table.report("clients", Problem::OutOfRange { value, accepted });
    }
    refuse_repeated(&tables);
    tables.iter().filter_map(client).collect()
}

fn client(table: &Table<'_>) -> Option<OAuthClient> {
    table.require("client_id", CLIENT_ID);
    let client_id = table.parsed_text("client_id", CLIENT_ID, |text| {
        let is_elsewhere = text.contains("://") || text.starts_with(Registration::ID_BEGINNING);
        let sound = is_token(text, OAUTH_CLIENT_ID_BYTES_MAX) && !is_elsewhere;
        sound.then(|| text.to_owned())
    });
    let client_secret = secret_of_at_least(table, "client_secret", OAUTH_CLIENT_SECRET_BYTES_MIN);
    let name = table.parsed_text("name", NAME, |text| {
        let is_short = text.chars().count() <= OAUTH_CLIENT_NAME_CHARS_MAX;
        shown_name(text).filter(|_| is_short).map(String::from)
    });
    let redirect_uris = redirects(table);
    let client_id = client_id?;
    Some(OAuthClient {
        name: name.unwrap_or_else(|| client_id.clone()),
        client_id,
        client_secret,
        redirect_uris,
    })
}

fn redirects(table: &Table<'_>) -> Vec<String> {
    const KEY: &str = "redirect_uris";
    table.require(KEY, REDIRECTS);
    let Some(texts) = table.texts(KEY) else {
        return Vec::new();
    };
    if !matches!(table.value(KEY), Some(Value::List(items)) if (1..=OAUTH_REDIRECT_URIS_MAX).contains(&items.len()))
    {
        let value = format!("{} addresses", texts.len());
        let accepted = format!("1 to {OAUTH_REDIRECT_URIS_MAX}");
        table.report(KEY, Problem::OutOfRange { value, accepted });
    }
    let texts = texts.into_iter().enumerate();
    let sound = texts.filter_map(|(index, text)| match RedirectUri::parse(text) {
        Ok(_) => Some(text.to_owned()),
        Err(fault) => {
            let accepted = format!("{REDIRECT}; this {fault}");
            table.malformed(&format!("{KEY}[{index}]"), text, &accepted)
        }
    });
    sound.collect()
}

fn refuse_repeated(tables: &[Table<'_>]) {
    let mut seen = HashMap::new();
    for table in tables {
        let Some(id) = table.text("client_id") else {
            continue;
        };
        if let Some(first) = seen.insert(id, &table.path) {
            let other = format!("{first}.client_id");
            table.report("client_id", Problem::SameAs { other });
        }
    }
}
