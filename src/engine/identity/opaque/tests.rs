//! Opaque tokens: what an issuer's verdict proves, and when it is asked at all.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::identity::jwt::{JwtIssuers, KeyRing, ScopeGrants};
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::identity::{
    AuthFailure, Authenticator, AuthenticatorParts, Principal, ProofCache, Proving, Suspicion,
};
use crate::engine::policy::Grants;
use crate::engine::quota::{Cell, PeerKey, PeerQuotas, Quota};
use crate::engine::route::Routes;
use crate::engine::snapshot::ServerParts;

const NOW: u64 = 1_700_000_000;
const TOKEN: &[u8] = b"Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a";

fn tokens() -> OpaqueTokens {
    let scope = |name: &str| ScopeGrants {
        scope: name.into(),
        grants: Arc::new(Grants::compile(&["*".to_owned()], &[]).unwrap()),
    };
    let access = |scopes| UserAccess {
        grants: Arc::default(),
        quota: None,
        scopes,
    };
    OpaqueTokens {
        realm: "github".into(),
        client_id: "gateway".into(),
        audiences: vec!["api://default".into()],
        base: PublicBase::parse("https://gw.example"),
        scopes: Arc::new(ScopeMap::new(vec![scope("read"), scope("write")])),
        users: Arc::new(UserRules {
            rules: vec![UserRule {
                pattern: IdentityPattern::parse("guest*").unwrap(),
                access: access(Some([true, false].into())),
            }],
            default: access(None),
        }),
    }
}

fn gateway(opaque: Option<OpaqueTokens>) -> Authenticator {
    Authenticator::new(AuthenticatorParts {
        opaque,
        ..AuthenticatorParts::default()
    })
}

fn vouched() -> Vouched {
    Vouched {
        user: "583231".into(),
        scopes: vec!["read".into(), "other".into()],
        audiences: Vec::new(),
        client_id: Some("gateway".into()),
        expires_at_secs: Some(NOW + 600),
        ask_again_at_secs: NOW + 300,
    }
}

fn active(vouched: Vouched) -> Verdict {
    Verdict::Active(Arc::new(vouched))
}

/// The identity, or the word for the failure.
fn word(result: Result<Principal, AuthFailure>) -> String {
    result.map_or_else(
        |failure| failure.as_str().to_owned(),
        |principal| principal.identity().to_owned(),
    )
}

fn judged(verdict: Option<&Verdict>) -> Result<Principal, AuthFailure> {
    let proving = Proving {
        verdict,
        ..Proving::bare(NOW)
    };
    gateway(Some(tokens())).authenticate(Some(TOKEN), &proving)
}

#[test]
fn a_token_is_what_its_issuer_says() {
    let user = |user: &str| Vouched {
        user: user.into(),
        ..vouched()
    };
    let ending = |end| Vouched {
        expires_at_secs: end,
        ..vouched()
    };
    let rows: [(Option<Verdict>, &str); 11] = [
        (None, "opaque_unasked"),
        (Some(Verdict::Inactive), "opaque_inactive"),
        (Some(Verdict::Unavailable), "opaque_unavailable"),
        (Some(active(vouched())), "oauth:github 583231"),
        (Some(active(user(""))), "opaque_no_user"),
        (Some(active(user("a\nb"))), "opaque_no_user"),
        (Some(active(user(&"x".repeat(10_000)))), "opaque_no_user"),
        (Some(active(ending(Some(NOW)))), "opaque_expired"),
        (Some(active(ending(Some(0)))), "opaque_expired"),
        (Some(active(ending(Some(NOW + 1)))), "oauth:github 583231"),
        (Some(active(ending(None))), "oauth:github 583231"),
    ];
    for (verdict, expected) in rows {
        assert_eq!(word(judged(verdict.as_ref())), expected, "{verdict:?}");
    }
}

#[test]
fn a_token_is_for_this_gateway_or_was_issued_to_it() {
    let (yes, no) = ("oauth:github 583231", "opaque_audience");
    let routes = Routes::compile(&[ServerParts::nowhere("a"), ServerParts::nowhere("b")]).unwrap();
    type Row<'a> = (Option<&'a str>, &'a [&'a str], &'a str, &'a str);
    let rows: [Row<'_>; 19] = [
        (Some("gateway"), &[], "/mcp", yes),
        (Some("gateway"), &["https://elsewhere.example"], "/mcp", yes),
        (Some("another"), &[], "/mcp", no),
        (Some("Gateway"), &[], "/mcp", no),
        (Some(""), &[], "/mcp", no),
        (None, &[], "/mcp", no),
        (None, &["gateway"], "/mcp", yes),
        (Some("another"), &["api://default"], "/mcp", yes),
        (Some("another"), &["x", "api://default"], "/mcp/a", yes),
        (Some("another"), &["api://other"], "/mcp", no),
        (Some("another"), &["API://default"], "/mcp", no),
        (None, &["https://gw.example"], "/mcp", yes),
        (None, &["https://gw.example/mcp/a"], "/mcp/a", yes),
        (None, &["https://gw.example/mcp/a"], "/mcp/b", no),
        (None, &["https://gw.example/mcp/a"], "", yes),
        (
            None,
            &["https://gw.example/mcp/a", "https://gw.example/mcp/b"],
            "/mcp/b",
            yes,
        ),
        (
            None,
            &["https://gw.example/mcp/a", "https://gw.example"],
            "/mcp/b",
            yes,
        ),
        (None, &["https://gw.example.evil/mcp"], "/mcp", no),
        (None, &[""], "/mcp", no),
    ];
    for (client_id, audiences, path, expected) in rows {
        let verdict = active(Vouched {
            client_id: client_id.map(Into::into),
            audiences: audiences.iter().map(|&audience| audience.into()).collect(),
            ..vouched()
        });
        let cache = ProofCache::new(4);
        let proving = Proving {
            verdict: Some(&verdict),
            cache: Some(&cache),
            resource: routes.resource(path.as_bytes()),
            ..Proving::bare(NOW)
        };
        let gateway = gateway(Some(tokens()));
        for time in ["asked", "found again"] {
            let found = gateway.authenticate(Some(TOKEN), &proving);
            let row = format!("{client_id:?} {audiences:?} {path} {time}");
            assert_eq!(word(found), expected, "{row}");
        }
    }
}

#[test]
fn without_a_public_url_no_url_is_ours() {
    let mut nowhere = tokens();
    nowhere.base = None;
    let verdict = active(Vouched {
        client_id: None,
        audiences: vec!["https://gw.example".into(), "".into()],
        ..vouched()
    });
    let proving = Proving {
        verdict: Some(&verdict),
        ..Proving::bare(NOW)
    };
    let found = gateway(Some(nowhere)).authenticate(Some(TOKEN), &proving);
    assert_eq!(word(found), "opaque_audience");
}

#[test]
fn scopes_are_those_of_the_map_that_count_for_the_user() {
    let principal = |user: &str| {
        let vouched = Vouched {
            user: user.into(),
            scopes: vec!["write".into(), "read".into(), "admin".into()],
            ..vouched()
        };
        judged(Some(&active(vouched))).unwrap()
    };
    let held = |principal: &Principal| principal.granted().unwrap().held.to_vec();
    assert_eq!(held(&principal("583231")), [true, true]);
    assert_eq!(held(&principal("guest1")), [true, false]);
}

#[test]
fn further_scopes_are_asked_for_where_somebody_gives_them() {
    let gains = |realm: &str| {
        let opaque = OpaqueTokens {
            realm: realm.into(),
            ..tokens()
        };
        let verdict = active(vouched());
        let proving = Proving {
            verdict: Some(&verdict),
            ..Proving::bare(NOW)
        };
        let found = gateway(Some(opaque)).authenticate(Some(TOKEN), &proving);
        let found = found.unwrap();
        found.granted().unwrap().may_gain(1)
    };
    assert!(!gains("github"));
    assert!(gains("https://dev.okta.example/oauth2/default"));
}

#[test]
fn what_is_somebody_elses_secret_or_ours_is_never_asked_about() {
    let bearers: [(&str, &str); 17] = [
        ("Bearer gho_abc", "opaque_unasked"),
        ("bearer gho_abc", "opaque_unasked"),
        ("BEARER gho_abc", "opaque_unasked"),
        ("Bearer ya29.abc", "opaque_unasked"),
        ("Bearer mcp_abc", "key_unknown"),
        ("Bearer MCP_abc", "not_an_api_key"),
        ("Bearer Mcp_abc", "not_an_api_key"),
        ("Bearer mcpg_code_abc", "opaque_own_secret"),
        ("Bearer mcpg_refresh_abc", "opaque_own_secret"),
        ("Bearer mcpg_", "opaque_own_secret"),
        ("Bearer MCPG_refresh_abc", "not_an_api_key"),
        ("Bearer a.b.c", "not_an_api_key"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "not_an_api_key"),
        ("Bearer mcpg_a.b.c", "not_an_api_key"),
        ("Bearer a.b.c.d.e", "not_an_api_key"),
        ("Basic Z2hvX2FiYw==", "credential_malformed"),
        ("Bearer gho_abc gho_abc", "credential_malformed"),
    ];
    let gateway = gateway(Some(tokens()));
    let verdict = active(vouched());
    for (bearer, expected) in bearers {
        let bearer = Some(bearer.as_bytes());
        let found = gateway.authenticate(bearer, &Proving::bare(NOW));
        assert_eq!(word(found), expected, "{bearer:?}");
        let proving = Proving {
            verdict: Some(&verdict),
            ..Proving::bare(NOW)
        };
        let is_good = gateway.authenticate(bearer, &proving).is_ok();
        assert_eq!(is_good, expected == "opaque_unasked", "{bearer:?}");
    }
    // Where none are taken, none is asked about.
    let found = self::gateway(None).authenticate(Some(TOKEN), &Proving::bare(NOW));
    assert_eq!(word(found), "not_an_api_key");
}

#[test]
fn a_proof_is_kept_until_its_issuer_is_to_be_asked_again() {
    let gateway = gateway(Some(tokens()));
    let cache = ProofCache::new(4);
    let at = |now_secs, verdict| {
        let proving = Proving {
            cache: Some(&cache),
            verdict,
            ..Proving::bare(now_secs)
        };
        gateway.authenticate(Some(TOKEN), &proving)
    };
    let verdict = active(vouched());
    assert_eq!(word(at(NOW, None)), "opaque_unasked");
    assert_eq!(word(at(NOW, Some(&Verdict::Inactive))), "opaque_inactive");
    assert_eq!(word(at(NOW, None)), "opaque_unasked", "a no is not kept");
    let ann = at(NOW, Some(&verdict)).unwrap();
    assert_eq!(word(at(NOW + 299, None)), "oauth:github 583231");
    assert_eq!(word(at(NOW + 300, None)), "opaque_unasked");
    // Whoever only waits is asked about again; a call under way may end.
    let holds = |now_secs| gateway.still_holds(&ann, &KeyRing::EMPTY, now_secs);
    for (now_secs, may_end, may_wait) in [
        (NOW + 299, true, true),
        (NOW + 300, true, false),
        (NOW + 599, true, false),
        (NOW + 600, false, false),
    ] {
        assert_eq!(holds(now_secs), may_end, "{now_secs}");
        assert_eq!(!ann.is_to_be_renewed(now_secs), may_wait, "{now_secs}");
    }
}

#[test]
fn an_open_stream_ends_with_its_provider() {
    let ann = judged(Some(&active(vouched()))).unwrap();
    let moved = OpaqueTokens {
        realm: "google".into(),
        ..tokens()
    };
    for (opaque, holds) in [(Some(tokens()), true), (Some(moved), false), (None, false)] {
        let found = gateway(opaque).still_holds(&ann, &KeyRing::EMPTY, NOW);
        assert_eq!(found, holds);
    }
}

#[test]
fn an_address_that_fails_too_often_makes_nobody_ask() {
    let (peers, tries) = (PeerQuotas::new(), Cell::default());
    let peer = PeerKey::from(std::net::IpAddr::from([192, 0, 2, 1]));
    let quota = Quota::new(1.0, 1).unwrap();
    let gateway = gateway(Some(tokens()));
    let cache = ProofCache::new(4);
    let verdict = active(vouched());
    let told = |verdict| {
        let proving = Proving {
            cache: Some(&cache),
            verdict,
            suspicion: Some(Suspicion {
                peers: &peers,
                peer,
                quota,
                tries: &tries,
                now_ns: 1,
            }),
            ..Proving::bare(NOW)
        };
        word(gateway.authenticate(Some(TOKEN), &proving))
    };
    assert_eq!(told(None), "opaque_unasked");
    while !peers.is_exhausted(peer, quota, 1) {
        let _ = peers.charge_failure(peer, quota, 1);
    }
    for _ in 0..100 {
        assert_eq!(told(None), "opaque_untried");
    }
    // What was asked before is answered all the same, and so is what is known.
    assert_eq!(told(Some(&verdict)), "oauth:github 583231");
    assert_eq!(told(None), "oauth:github 583231");
}

#[test]
fn a_user_is_one_identity_however_they_came() {
    let issuers = JwtIssuers::default();
    assert!(issuers.own().is_none());
    let by_token = judged(Some(&active(vouched()))).unwrap();
    let explained = gateway(Some(tokens()));
    let explained = explained.explain_token("github", "583231", &[]).unwrap();
    assert_eq!(by_token.identity(), explained.identity());
    assert_eq!(by_token.owner(), explained.owner());
}
