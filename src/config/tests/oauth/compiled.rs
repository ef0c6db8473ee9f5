//! What `[auth.oauth]` becomes.

use std::sync::Arc;

use super::{config, first, found, github, nowhere, okta, with};
use crate::config::compile;
use crate::engine::identity::jwt::{Algorithm, JwtIssuer, KeySource, SourceId};
use crate::engine::identity::opaque::UserRules;
use crate::engine::identity::{AnonymousAccess, Authenticator, AuthenticatorParts, Principal};
use crate::engine::policy::{Action, Grants, Subject, decide};
use crate::engine::snapshot::Snapshot;

fn compiled(text: &str) -> Snapshot {
    compile(&config(text), 3000, 1).unwrap()
}

fn own(snapshot: &Snapshot) -> &JwtIssuer {
    &snapshot.identity.issuers().issuers()[0]
}

fn users(snapshot: &Snapshot) -> &UserRules {
    &own(snapshot).own.as_ref().unwrap().users
}

#[test]
fn the_gateway_is_the_first_of_the_issuers() {
    let jwt = "[[auth.jwt]]\nmode = 'jwks'\nissuer = 'https://other'\naudience = 'a'\njwks_url = 'https://id/'\nallowed_tools = ['*']\n";
    let text = github("").replace("gw.example", "gw.example/base");
    let snapshot = compiled(&format!("{text}{jwt}"));
    let own = own(&snapshot);
    assert_eq!(&*own.issuer, "https://gw.example/base");
    assert_eq!(own.audiences, ["https://gw.example/base".into()]);
    assert_eq!(own.algorithms, [Algorithm::Es256, Algorithm::EdDsa]);
    assert!(matches!(own.keys, KeySource::Jwks(id) if id == SourceId::own()));
    assert!(own.require_at_jwt);
    let tokens = own.own.as_ref().unwrap();
    assert_eq!(&*tokens.realm, "github");
    assert_eq!(tokens.base.path(), "/base");
    let names = snapshot.identity.issuers().issuers().iter();
    let names: Vec<_> = names.map(|issuer| &*issuer.issuer).collect();
    assert_eq!(names, ["https://gw.example/base", "https://other"]);
}

#[test]
fn what_is_served_follows_from_what_is_configured() {
    let introspection = "provider = 'custom'\nclient_id = 'x'\nclient_secret = 's'\nintrospection_url = 'https://id/i'\nallowed_tools = ['*']\n";
    for (text, login, server, opaque) in [
        (github(""), true, false, true),
        (
            github("[auth.oauth.server]\nenabled = true"),
            true,
            true,
            false,
        ),
        (github("login = false"), false, false, true),
        (github("opaque_tokens = false"), true, false, false),
        (with(introspection), false, false, true),
        (nowhere(introspection), false, false, true),
    ] {
        let snapshot = compiled(&text);
        assert_eq!(snapshot.oauth.login, login, "{text}");
        assert_eq!(snapshot.oauth.server, server, "{text}");
        assert_eq!(snapshot.identity.opaque().is_some(), opaque, "{text}");
        let issuers = snapshot.identity.issuers();
        assert_eq!(issuers.is_empty(), !login, "{text}");
    }
}

#[test]
fn opaque_tokens_are_for_the_same_users() {
    let snapshot = compiled(&okta("audience = ['api://default', 'b']\n"));
    let opaque = snapshot.identity.opaque().unwrap();
    assert_eq!(&*opaque.realm, "https://dev.okta.com/oauth2/default");
    assert_eq!(&*opaque.client_id, "x");
    assert_eq!(opaque.audiences, ["api://default".into(), "b".into()]);
    assert!(std::ptr::eq(&raw const *opaque.users, users(&snapshot)));
}

const RULES: &str = "rate_limit = 7\ndenied_tools = ['drop_*']\nscope_tool_mapping = { a = ['x'], b = ['y'] }\n\
    [[auth.oauth.identities]]\nmatch = '5832*'\nallowed_tools = ['*']\ndenied_tools = ['z']\nscopes = ['b']\nrate_limit = 50\n\
    [[auth.oauth.identities]]\nmatch = '1'\nscopes = []\nallowed_tools = ['read']\n";

#[test]
fn the_first_entry_that_matches_a_user_counts() {
    let snapshot = compiled(&github(RULES));
    let users = users(&snapshot);
    let rows = [
        ("583231", Some(vec![false, true])),
        ("1", Some(vec![false, false])),
        ("2", None),
    ];
    for (user, scopes) in rows {
        let access = users.access(user);
        assert_eq!(access.scopes.as_deref(), scopes.as_deref(), "{user}");
    }
    let quota = |user: &str| users.access(user).quota.unwrap();
    assert_ne!(quota("583231"), quota("1"));
    assert_eq!(quota("1"), quota("2"));
}

#[test]
fn what_nobody_may_use_holds_for_those_with_an_entry_too() {
    let snapshot = compiled(&github(RULES));
    let users = users(&snapshot);
    let rows = [
        ("583231", "anything", true),
        ("583231", "z", false),
        ("583231", "drop_all", false),
        ("1", "read", true),
        ("1", "anything", false),
        ("2", "anything", true),
        ("2", "z", true),
        ("2", "drop_all", false),
    ];
    for (user, tool, is_allowed) in rows {
        let holder = holder(&users.access(user).grants);
        let action = Action::Use(Subject::tool(tool));
        let found = decide(&holder, &snapshot.servers()[0], action).is_ok();
        assert_eq!(found, is_allowed, "{user} {tool}");
    }
}

/// Somebody who holds `grants`.
fn holder(grants: &Arc<Grants>) -> Principal {
    let parts = AuthenticatorParts {
        anonymous: Some(AnonymousAccess {
            grants: Arc::clone(grants),
            quota: None,
        }),
        ..AuthenticatorParts::default()
    };
    let authenticator = Authenticator::new(parts);
    authenticator.explain_as("anonymous").unwrap().clone()
}

#[test]
fn an_entry_that_fits_only_alone_is_refused_and_not_dropped() {
    let entries = |prefix: &str| {
        let max = crate::engine::limits::ENTRIES_MAX;
        let entries: Vec<_> = (0..max).map(|at| format!("'{prefix}{at}'")).collect();
        entries.join(", ")
    };
    let text = github(&format!(
        "denied_tools = [{}]\n[[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['*']\ndenied_tools = [{}]\n",
        entries("a"),
        entries("b")
    ));
    assert!(super::load_toml(&text).is_err());
}

#[test]
fn identities_name_scopes_of_the_map_alone() {
    found(
        &github(
            "scope_tool_mapping = { a = ['x'] }\n[[auth.oauth.identities]]\nmatch = '1'\nscopes = ['a', 'c']",
        ),
        &["identities[0].scopes[1]: error not_accepted"],
    );
    found(
        &github("[[auth.oauth.identities]]\nmatch = '1'"),
        &["identities[0].allowed_tools: warning allows_nothing"],
    );
    found(
        &github("[[auth.oauth.identities]]\nallowed_tools = ['*']"),
        &["identities[0].match: error missing"],
    );
    found(
        &github(
            "[[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['*']\n[[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['*']",
        ),
        &["identities[1].match: error same_as"],
    );
    found(
        &github("[[auth.oauth.identities]]\nmatch = '1'\nallowed_tools = ['nowhere::x']"),
        &["identities[0].allowed_tools[0]: error unknown_server"],
    );
}

#[test]
fn a_configuration_compiles_again() {
    let config = config(&github(RULES));
    assert!(first(&config).login);
    assert!(compile(&config, 1, 2).is_ok());
}
