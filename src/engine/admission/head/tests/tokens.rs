//! Tokens of users: for one resource alone, and unknown ones (tests).

use std::net::IpAddr;

use super::*;
use crate::engine::identity::opaque::{OpaqueTokens, UserAccess, UserRules, Verdict, Vouched};
use crate::engine::identity::{ProofCache, Suspicion};
use crate::engine::policy::Grants;
use crate::engine::quota::{Cell, PeerKey, PeerQuotas, Quota};
use crate::engine::route::PublicBase;

/// A gateway with the servers `a`, at `/team/a` too, and `b`, that takes opaque tokens.
fn gateway() -> Snapshot {
    let mut a = ServerParts::nowhere("a");
    a.path_prefix = Some("/team/a".into());
    a.strip_prefix = true;
    let mut parts = SnapshotParts::new(vec![a, ServerParts::nowhere("b")]);
    parts.sessions.legacy_sse = true;
    parts.metrics_on_main = true;
    parts.identity = Authenticator::new(AuthenticatorParts {
        opaque: Some(OpaqueTokens {
            realm: "https://issuer.example".into(),
            client_id: "gateway".into(),
            audiences: Vec::new(),
            base: PublicBase::parse("https://gw.example/base"),
            scopes: Arc::default(),
            users: Arc::new(UserRules {
                rules: Vec::new(),
                default: UserAccess {
                    grants: Arc::new(Grants::compile(&["*".to_owned()], &[]).unwrap()),
                    quota: None,
                    scopes: None,
                },
            }),
        }),
        ..AuthenticatorParts::default()
    });
    Snapshot::new(parts).unwrap()
}

/// What becomes of a request with an opaque token under `proving`: `yes`, or the refusal.
fn asked(
    snapshot: &Snapshot,
    verb: Verb,
    target: &str,
    proving: Proving<'_>,
) -> Option<HeadRefusal> {
    let head = b"Bearer gho_abcapplication/json";
    let fields = [
        (&b"authorization"[..], &head[..14]),
        (b"content-type", &head[14..]),
    ];
    let digest = HeaderDigest::read(head, fields).unwrap();
    let arrival = Arrival {
        server_name: None,
        verb,
        target: target.as_bytes(),
        authority: Some(b"gw.example"),
        head,
        digest: &digest,
        proving,
    };
    admit_head(snapshot, &arrival).err()
}

#[test]
fn a_token_of_one_resource_passes_there_and_on_pages_alone() {
    let snapshot = gateway();
    let status = |audience: &str, verb, target: &str| {
        let cache = ProofCache::new(4);
        let verdict = Verdict::Active(Arc::new(Vouched {
            user: "ann".into(),
            scopes: Vec::new(),
            audiences: vec![audience.into()],
            client_id: None,
            expires_at_secs: None,
            ask_again_at_secs: 100,
        }));
        let proving = Proving {
            cache: Some(&cache),
            verdict: Some(&verdict),
            ..Proving::bare(0)
        };
        let word = || match asked(&snapshot, verb, target, proving) {
            None => "yes".to_owned(),
            Some(refusal) => refusal.failure().status().to_string(),
        };
        let first = word();
        assert_eq!(first, word(), "a hit says what its proof said");
        first
    };
    use Verb::{Delete, Get, Post};
    let rows = [
        ("/mcp", Post, "/mcp", "yes"),
        ("/mcp", Get, "/mcp?x", "yes"),
        ("/mcp", Post, "/mcp/a", "401"),
        ("/mcp", Post, "/mcp/b", "401"),
        ("/mcp", Post, "/mcp/nowhere", "401"),
        ("/mcp", Post, "/team/a", "401"),
        ("/mcp", Get, "/sse", "401"),
        ("/mcp", Post, "/sse", "401"),
        ("/mcp", Post, "/message/a", "401"),
        ("/mcp", Get, "/routes", "yes"),
        ("/mcp", Get, "/metrics", "yes"),
        ("/mcp/b", Delete, "/mcp/b", "yes"),
        ("/mcp/b", Delete, "/mcp", "401"),
        ("/mcp/a", Post, "/mcp/a/deep", "yes"),
        ("/mcp/a", Post, "/team/a", "401"),
        ("/team/a", Post, "/team/a/deep", "yes"),
        ("/team/a", Post, "/mcp/a", "401"),
        ("/sse/b", Get, "/sse/b", "yes"),
        ("/sse/b", Post, "/message/b", "yes"),
        ("/sse/b", Post, "/message/a", "401"),
        ("", Post, "/mcp/b", "yes"),
        ("/", Post, "/team/a", "yes"),
        ("", Get, "/routes", "yes"),
        // Something else of the same host's.
        ("/wiki", Post, "/mcp", "401"),
        ("/wiki", Get, "/routes", "401"),
        ("/wiki", Get, "/metrics", "401"),
        ("/routes", Get, "/routes", "401"),
        ("/mcp/a/deep", Get, "/routes", "401"),
        ("/mcp/nowhere", Post, "/mcp/nowhere", "404"),
    ];
    for (path, verb, target, expected) in rows {
        let audience = format!("https://gw.example/base{path}");
        let found = status(&audience, verb, target);
        assert_eq!(found, expected, "{audience} at {target}");
    }
}

#[test]
fn of_an_unknown_token_nothing_is_held_against_its_sender() {
    let snapshot = gateway();
    let (peers, tries) = (PeerQuotas::new(), Cell::default());
    let peer = PeerKey::from(IpAddr::from([192, 0, 2, 1]));
    let quota = Quota::new(1.0, 1).unwrap();
    let suspicion = Some(Suspicion {
        peers: &peers,
        peer,
        quota,
        tries: &tries,
        now_ns: 1,
    });
    let told = |verdict, suspicion| {
        let proving = Proving {
            verdict,
            suspicion,
            ..Proving::bare(0)
        };
        let refusal = asked(&snapshot, Verb::Post, "/mcp", proving).unwrap();
        let failure = refusal.failure();
        (
            failure.status(),
            failure.retry_after_secs().is_some(),
            refusal.is_chargeable(),
            refusal.wants_verdict(),
        )
    };
    let (inactive, unavailable) = (Verdict::Inactive, Verdict::Unavailable);
    assert_eq!(told(None, suspicion), (503, true, false, true));
    assert_eq!(told(Some(&unavailable), None), (503, true, false, false));
    assert_eq!(told(Some(&inactive), None), (401, false, true, false));
    let _ = peers.charge_failure(peer, quota, 1);
    assert!(peers.is_exhausted(peer, quota, 1));
    assert_eq!(told(None, suspicion), (429, true, false, false));
}
