//! `[auth]`: `[[auth.api_keys]]` and `[auth.anonymous]`; the others have files of their own.

use jiff::Timestamp;

use crate::config::model::{Anonymous, ApiKey, Auth};
use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::read::{jwt, mtls, oauth};
use crate::engine::identity::KeyHash;
use crate::engine::limits::BURST_MAX;

/// Longest id of an identity, in bytes.
const ID_BYTES_MAX: usize = 128;

const ID: &str = "1 to 128 letters, digits and . _ @ + -";
const HASH: &str =
    "base64 of a SHA-256 (44 characters), as `mcp-guard hash-key` prints it; never the key itself";
const TIME: &str = "a date and time with its offset: 2027-01-31T00:00:00Z";

pub(super) fn read(table: &Table<'_>) -> Auth {
    let keys = table.sections("api_keys");
    let issuers = table.section_or_sections("jwt");
    let certificates = table.section("mtls");
    let provider = table.section("oauth");
    let anonymous = anonymous(&table.section("anonymous"));
    let nobody = keys.is_empty() && issuers.is_empty() && anonymous.is_none();
    if nobody && !provider.is_present() && !mtls::is_enabled(&certificates) {
        table.cx.report("auth", Problem::NoAuthentication);
    }
    Auth {
        api_keys: keys.iter().filter_map(api_key).collect(),
        jwt: jwt::read(&issuers),
        oauth: oauth::read(&provider),
        mtls: mtls::read(&certificates),
        anonymous,
    }
}

/// One key. Without a sound id and hash there is nothing that rules could speak of.
fn api_key(table: &Table<'_>) -> Option<ApiKey> {
    let id = id(table);
    let key_hash = key_hash(table);
    let allowed_tools = tools(table, "allowed_tools");
    let denied_tools = entries(table, "denied_tools").unwrap_or_default();
    let rate_limit = table.rate("rate_limit");
    let burst_size = table.integer("burst_size", 1..=BURST_MAX);
    let expires_at_unix_secs = expires_at(table);
    Some(ApiKey {
        key_path: table.path.clone(),
        id: id?,
        key_hash: key_hash?,
        allowed_tools,
        denied_tools,
        rate_limit,
        burst_size,
        expires_at_unix_secs,
    })
}

fn anonymous(table: &Table<'_>) -> Option<Anonymous> {
    table.is_present().then(|| Anonymous {
        allowed_tools: tools(table, "allowed_tools"),
        rate_limit: table.rate("rate_limit"),
        i_understand: table.flag("i_understand").unwrap_or(false),
    })
}

/// A list of entries that warns when it allows nothing.
pub(super) fn tools(table: &Table<'_>, key: &'static str) -> Vec<String> {
    let entries = entries(table, key);
    let refused = table.has(key) && entries.is_none();
    let entries = entries.unwrap_or_default();
    if entries.is_empty() && !refused {
        table.report(key, Problem::AllowsNothing);
    }
    entries
}

pub(super) fn entries(table: &Table<'_>, key: &'static str) -> Option<Vec<String>> {
    let texts = table.texts(key)?;
    Some(texts.into_iter().map(str::to_owned).collect())
}

fn id(table: &Table<'_>) -> Option<String> {
    let id = table.required_text("id", ID)?;
    let sound = (1..=ID_BYTES_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte));
    if sound {
        Some(id.to_owned())
    } else {
        table.malformed("id", id, ID)
    }
}

/// The value is not shown: people paste the key itself.
fn key_hash(table: &Table<'_>) -> Option<KeyHash> {
    let text = table.required_text("key_hash", HASH)?;
    let hash = KeyHash::parse(text).ok();
    if hash.is_none() {
        table.report(
            "key_hash",
            Problem::Malformed {
                value: None,
                accepted: HASH.to_owned(),
            },
        );
    }
    hash
}

fn expires_at(table: &Table<'_>) -> Option<i64> {
    let ends = table.parsed_text("expires_at", TIME, |text| text.parse::<Timestamp>().ok())?;
    if ends.as_second() <= table.cx.now_unix_secs {
        table.report(
            "expires_at",
            Problem::Expired {
                at: ends.to_string(),
            },
        );
    }
    Some(ends.as_second())
}
