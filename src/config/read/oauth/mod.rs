//! `[auth.oauth]`: the provider, who of its users may come in, what they may use, and where state is kept.

mod endpoints;
mod people;
mod place;
mod rights;
mod server;

pub(super) use place::place;

use std::time::Duration;

use crate::config::model::{OAuth, OAuthProvider, OAuthServer, SigningAlgorithm};
use crate::config::problem::Problem;
use crate::config::read::auth::entries;
use crate::config::read::scopes::{SCOPE, claim, is_text, is_token, mapping};
use crate::config::read::table::Table;
use crate::config::secret::Secret;
use crate::engine::limits::{
    BURST_MAX, JWT_AUDIENCE_BYTES_MAX, JWT_AUDIENCES_MAX, OAUTH_CLIENT_ID_BYTES_MAX,
    OAUTH_LOGIN_TOKEN_SECS_MAX, OAUTH_PROVIDER_SCOPES_MAX, SCOPE_BYTES_MAX,
};
use crate::engine::seal::Sealer;
use endpoints::Endpoints;

const PROVIDER: &str = "\"github\", \"google\", \"okta\" or \"custom\"";
const CLIENT_ID: &str =
    "the id that the provider gave to this gateway when it was registered there";
const CLIENT_ID_FORM: &str =
    "1 to 512 printable ASCII characters without space, quote and backslash";
const CLIENT_SECRET: &str =
    "the secret that the provider gave with client_id, as client_secret or client_secret_file";
const ASK: &str = "introspection_url (RFC 7662): without it nobody can say whom a token of the provider was issued to; or opaque_tokens = false";
const AUDIENCE: &str = "1 to 256 bytes of text without control characters";

/// The store where nothing else is said.
const STORE: &str = "mcp-guard-oauth.redb";

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const TOKEN_CACHE_TTL: Duration = Duration::from_secs(300);
const LOGIN_TOKEN_TTL: Duration = Duration::from_secs(8 * 3_600);

/// What the store keeps of grants lives at least as long.
const LOGIN_TOKEN_TTL_MAX: Duration = Duration::from_secs(OAUTH_LOGIN_TOKEN_SECS_MAX);

const PROVIDERS: [(&str, OAuthProvider); 4] = [
    ("github", OAuthProvider::GitHub),
    ("google", OAuthProvider::Google),
    ("okta", OAuthProvider::Okta),
    ("custom", OAuthProvider::Custom),
];

const ALGORITHMS: [(&str, SigningAlgorithm); 2] = [
    ("ES256", SigningAlgorithm::Es256),
    ("EdDSA", SigningAlgorithm::EdDsa),
];

/// Claims that providers give to somebody else once their owner leaves or is renamed.
const REUSED_CLAIMS: [&str; 7] = [
    "login",
    "email",
    "preferred_username",
    "username",
    "name",
    "nickname",
    "upn",
];

/// `[auth.oauth]`, absent or not. Whatever is wrong with it is reported, also where the provider is not known.
pub(super) fn read(table: &Table<'_>) -> Option<OAuth> {
    if !table.is_present() {
        return None;
    }
    let server = server::read(&table.section("server"));
    let scope_tool_mapping = mapping(table);
    let identities = rights::identities(table, &scope_tool_mapping);
    let allowed_tools = rights::allowed(table, &scope_tool_mapping, &identities);
    let (client_id, client_secret) = (client_id(table), table.secret("client_secret"));
    let (store_path, store_key) = (table.file_path("store_path"), store_key(table));
    table.require("provider", PROVIDER);
    let provider = table.choice("provider", &PROVIDERS)?;
    let endpoints = endpoints::read(table, provider, client_id.as_deref());
    let login = login(table, provider, &endpoints, server.as_ref());
    let opaque_tokens = opaque_tokens(table, provider, &endpoints, server.as_ref());
    require_secret(table, provider, opaque_tokens);
    refuse_no_way_in(table, login, opaque_tokens);
    let people = people::read(table, provider);
    let scopes = scopes(
        table,
        provider,
        &endpoints,
        !people.organizations.is_empty(),
    );
    people.check_scopes(table, provider, &scopes);
    if login {
        people::require_openid(table, provider, &scopes);
    }
    Some(OAuth {
        provider,
        realm: endpoints.realm(provider),
        client_id: client_id.unwrap_or_default(),
        client_secret,
        issuer: endpoints.issuer,
        authorization_url: endpoints.authorization,
        token_url: endpoints.token,
        introspection_url: endpoints.introspection,
        userinfo_url: endpoints.userinfo,
        login,
        redirect_uri: table.text("redirect_uri").unwrap_or_default().to_owned(),
        scopes,
        user_id_claim: user_id_claim(table, provider),
        scope_tool_mapping,
        allowed_tools,
        denied_tools: entries(table, "denied_tools").unwrap_or_default(),
        rate_limit: table.rate("rate_limit"),
        burst_size: table.integer("burst_size", 1..=BURST_MAX),
        identities,
        allowed_users: people.users,
        allowed_organizations: people.organizations,
        required_claims: people.claims,
        opaque_tokens,
        audience: audience(table, opaque_tokens),
        token_cache_ttl: table
            .duration("token_cache_ttl_secs", SECOND..=HOUR)
            .unwrap_or(TOKEN_CACHE_TTL),
        login_token_ttl: table
            .duration("login_token_ttl", MINUTE..=LOGIN_TOKEN_TTL_MAX)
            .unwrap_or(LOGIN_TOKEN_TTL),
        store_path: store_path.unwrap_or_else(|| table.cx.resolve(STORE)),
        store_key,
        signing_algorithm: table
            .choice("signing_algorithm", &ALGORITHMS)
            .unwrap_or(SigningAlgorithm::Es256),
        server,
    })
}

fn client_id(table: &Table<'_>) -> Option<String> {
    table.require("client_id", CLIENT_ID);
    table.parsed_text("client_id", CLIENT_ID_FORM, |text| {
        is_token(text, OAUTH_CLIENT_ID_BYTES_MAX).then(|| text.to_owned())
    })
}

/// A public client of a `custom` provider needs no secret, as long as it only redeems codes: PKCE protects those, and nobody may
/// ask about tokens without proving who asks (RFC 7662 §2.1).
fn require_secret(table: &Table<'_>, provider: OAuthProvider, opaque_tokens: bool) {
    let is_needed = provider != OAuthProvider::Custom || opaque_tokens;
    if is_needed && !has_secret(table) {
        let accepted = CLIENT_SECRET;
        table.report("client_secret", Problem::Missing { accepted });
    }
}

fn has_secret(table: &Table<'_>) -> bool {
    table.has("client_secret") || table.has("client_secret_file")
}

/// `login`, by default where there is somewhere to log in.
fn login(
    table: &Table<'_>,
    provider: OAuthProvider,
    endpoints: &Endpoints,
    server: Option<&OAuthServer>,
) -> bool {
    let asked = table.flag("login");
    if asked == Some(false) {
        if server.is_some() {
            let other = table.path_of("server.enabled");
            let remedy =
                "clients get tokens for people who log in; remove login, or set enabled = false";
            table.report("login", Problem::Conflict { other, remedy });
        }
        return false;
    }
    let is_possible = endpoints.authorization.is_some() || endpoints.issuer.is_some();
    let is_wanted = asked == Some(true) || server.is_some();
    if is_wanted && !is_possible && !table.has("authorization_url") && !table.has("issuer") {
        let accepted = endpoints::AUTHORIZATION;
        table.report("authorization_url", Problem::Missing { accepted });
    }
    if is_possible && provider == OAuthProvider::Custom {
        endpoints.require_for_login(table);
    }
    is_possible
}

/// `opaque_tokens`, by default where the provider can be asked and clients do not get tokens of the gateway's own.
fn opaque_tokens(
    table: &Table<'_>,
    provider: OAuthProvider,
    endpoints: &Endpoints,
    server: Option<&OAuthServer>,
) -> bool {
    // Where a login is given whole, nothing is looked up at the issuer.
    let is_whole = endpoints.authorization.is_some() && endpoints.token.is_some();
    let looks = endpoints.issuer.is_some() && !is_whole;
    let can_ask = provider != OAuthProvider::Custom || endpoints.introspection.is_some() || looks;
    let asked = table.flag("opaque_tokens");
    if asked == Some(true) && !can_ask && !table.has("introspection_url") {
        let accepted = ASK;
        table.report("introspection_url", Problem::Missing { accepted });
    }
    let is_ready = endpoints.introspection.is_some() || has_secret(table);
    asked.unwrap_or(can_ask && is_ready && server.is_none())
}

/// With both ways switched off, or one off and the other not there, nobody could come in.
fn refuse_no_way_in(table: &Table<'_>, login: bool, opaque_tokens: bool) {
    let is_off = |key: &str| table.flag(key) == Some(false);
    let keys = ["login", "opaque_tokens"];
    if login || opaque_tokens || !keys.iter().any(|key| is_off(key)) {
        return;
    }
    let [key, other] = if is_off("login") {
        keys
    } else {
        ["opaque_tokens", "login"]
    };
    let other = format!("{} = false", table.path_of(other));
    let remedy =
        "nobody would come in by the provider; switch one of them on, or remove [auth.oauth]";
    table.report(key, Problem::Conflict { other, remedy });
}

/// `scopes`, or what the provider needs to be asked for to say who a user is.
fn scopes(
    table: &Table<'_>,
    provider: OAuthProvider,
    endpoints: &Endpoints,
    has_organizations: bool,
) -> Vec<String> {
    const KEY: &str = "scopes";
    if !table.has(KEY) {
        let known: &[&str] = match provider {
            OAuthProvider::GitHub if has_organizations => &["read:user", "user:email", "read:org"],
            OAuthProvider::GitHub => &["read:user", "user:email"],
            OAuthProvider::Custom if endpoints.issuer.is_none() => &[],
            _ => &["openid", "email", "profile"],
        };
        return known.iter().copied().map(str::to_owned).collect();
    }
    let scopes = table.parsed(KEY, SCOPE, |text| {
        is_token(text, SCOPE_BYTES_MAX).then(|| text.to_owned())
    });
    let scopes = scopes.unwrap_or_default();
    if scopes.len() > OAUTH_PROVIDER_SCOPES_MAX {
        let value = format!("{} scopes", scopes.len());
        let accepted = format!("up to {OAUTH_PROVIDER_SCOPES_MAX} scopes");
        table.report(KEY, Problem::OutOfRange { value, accepted });
    }
    scopes
}

fn user_id_claim(table: &Table<'_>, provider: OAuthProvider) -> String {
    const KEY: &str = "user_id_claim";
    let known = match provider {
        OAuthProvider::GitHub => "id",
        _ => "sub",
    };
    let claim = claim(table, KEY, known);
    if REUSED_CLAIMS.contains(&claim.as_str()) {
        let claim = claim.clone();
        table.report(KEY, Problem::UserIdReused { claim });
    }
    claim
}

/// `audience`, which only tokens of the provider have.
fn audience(table: &Table<'_>, opaque_tokens: bool) -> Vec<String> {
    const KEY: &str = "audience";
    let texts = table.text_or_texts(KEY).unwrap_or_default();
    if texts.len() > JWT_AUDIENCES_MAX {
        let value = format!("{} values", texts.len());
        let accepted = format!("up to {JWT_AUDIENCES_MAX} values");
        table.report(KEY, Problem::OutOfRange { value, accepted });
    }
    if table.has(KEY) && !opaque_tokens {
        let reason = "no token of the provider itself is taken";
        let remedy = "set opaque_tokens = true, or remove the key";
        table.report(KEY, Problem::Unused { reason, remedy });
    }
    let sound = texts.into_iter().filter_map(|(key, text)| {
        if is_text(text, JWT_AUDIENCE_BYTES_MAX) {
            Some(text.to_owned())
        } else {
            table.malformed(&key, text, AUDIENCE)
        }
    });
    sound.collect()
}

fn store_key(table: &Table<'_>) -> Option<Secret> {
    secret_of_at_least(table, "store_key", Sealer::SECRET_BYTES_MIN)
}

/// The secret at `key`; a short one is reported where it is written.
fn secret_of_at_least(table: &Table<'_>, key: &'static str, bytes_min: usize) -> Option<Secret> {
    let secret = table.secret(key)?;
    let bytes = secret.expose().len();
    if bytes < bytes_min {
        let file = crate::config::schema::file_key(key);
        let key = if table.has(&file) { &file } else { key };
        table.report(key, Problem::SecretShort { bytes, bytes_min });
    }
    Some(secret)
}
