//! What the scopes of a token allow.

use super::*;
use crate::engine::policy::{Action, Subject, decide};
use crate::engine::snapshot::{Server, ServerParts, Speech, Upstream, UpstreamAddress};

fn grants(allowed: &[&str], denied: &[&str]) -> Arc<Grants> {
    let owned = |list: &[&str]| {
        list.iter()
            .map(|entry| (*entry).to_owned())
            .collect::<Vec<_>>()
    };
    Arc::new(Grants::compile(&owned(allowed), &owned(denied)).unwrap())
}

fn mapped() -> JwtIssuer {
    let scope = |name: &str, allowed: &[&str]| ScopeGrants {
        scope: name.into(),
        grants: grants(allowed, &[]),
    };
    let map = ScopeMap::new(vec![
        scope("read", &["read_*", "list"]),
        scope("write", &["write_*"]),
    ]);
    JwtIssuer {
        scopes: Arc::new(map),
        grants: grants(&[], &["write_secret"]),
        ..issuer()
    }
}

fn with(issuer: JwtIssuer, claim: &str) -> Result<Principal, TokenFault> {
    let payload = payload().replacen('{', &format!("{{{claim}"), 1);
    check_by(issuer, &ring(), &token(HEADER, &payload))
}

#[test]
fn scopes_are_a_list_with_spaces_or_an_array() {
    for (claim, held) in [
        ("", Ok([false, false])),
        (r#""scope":"","#, Ok([false, false])),
        (r#""scope":"read","#, Ok([true, false])),
        (r#""scope":"openid read  write","#, Ok([true, true])),
        (r#""scope":["write"],"#, Ok([false, true])),
        (r#""scope":[],"#, Ok([false, false])),
        // An element is one scope.
        (r#""scope":["read write"],"#, Ok([false, false])),
        (r#""scope":"read,write","#, Ok([false, false])),
        (r#""scope":"read\twrite","#, Ok([false, false])),
        (r#""scope":"READ","#, Ok([false, false])),
        (r#""scope":"read*","#, Ok([false, false])),
        // Only where the configuration says so.
        (r#""scp":"read","#, Ok([false, false])),
        (r#""scope":7,"#, Err(TokenFault::BadClaim)),
        (r#""scope":null,"#, Err(TokenFault::BadClaim)),
        (r#""scope":{"read":true},"#, Err(TokenFault::BadClaim)),
        (r#""scope":["read",7],"#, Err(TokenFault::BadClaim)),
        (
            r#""scope":"read","scope":"write","#,
            Err(TokenFault::Malformed),
        ),
        (
            r#""scope":"read","Scope":"write","#,
            Err(TokenFault::Malformed),
        ),
    ] {
        let found = with(mapped(), claim).map(|caller| caller.granted().unwrap().held.to_vec());
        assert_eq!(found, held.map(Vec::from), "{claim}");
    }
    let scp = || JwtIssuer {
        scopes_claim: "scp".into(),
        ..mapped()
    };
    let caller = with(scp(), r#""scp":["read"],"scope":7,"#).unwrap();
    assert_eq!(*caller.granted().unwrap().held, [true, false]);
}

/// The rule that decides on `tool`, after `yes: ` or `no: `.
fn verdict(caller: &Principal, tool: &str) -> String {
    let address = UpstreamAddress::Http {
        host: "h".into(),
        port: 1,
        is_secure: false,
    };
    let upstream = Upstream {
        address,
        target: "/".into(),
        host_header: "h".into(),
        speech: Speech::DEFAULT,
    };
    let server = Server::alone(ServerParts::new("s", upstream));
    match decide(caller, &server, Action::Use(Subject::tool(tool))) {
        Ok(permit) => format!("yes: {}", permit.rule().label(caller.grants())),
        Err(denial) => format!("no: {}", denial.rule.label(caller.grants())),
    }
}

#[test]
fn a_token_may_use_what_its_scopes_allow_less_what_is_denied() {
    let write = r#"yes: scope "write" allowed_tools[0] "write_*""#;
    let secret = r#"no: denied_tools[0] "write_secret""#;
    for (scopes, tool, expected) in [
        ("", "read_a", "no: no rule"),
        (
            "read",
            "read_a",
            r#"yes: scope "read" allowed_tools[0] "read_*""#,
        ),
        (
            "read",
            "list",
            r#"yes: scope "read" allowed_tools[1] "list""#,
        ),
        ("read", "write_a", "no: no rule"),
        ("write", "write_a", write),
        ("read write", "write_a", write),
        ("read write", "delete", "no: no rule"),
        ("", "write_secret", secret),
        ("write", "write_secret", secret),
    ] {
        let caller = with(mapped(), &format!(r#""scope":"{scopes}","#)).unwrap();
        assert_eq!(verdict(&caller, tool), expected, "{scopes}: {tool}");
    }
}

#[test]
fn a_token_without_a_mapped_scope_may_use_nothing_of_the_map() {
    let caller = with(mapped(), r#""scope":"openid","#).unwrap();
    assert!(caller.grants().is_empty());
    // Nothing is built where there are no scopes.
    let issuer = issuer();
    let held = issuer.scopes.none_held();
    assert!(Arc::ptr_eq(
        &issuer.scopes.grants(&issuer.grants, &held),
        &issuer.grants
    ));
}

#[test]
fn explain_says_what_a_token_would_prove() {
    let issuers = JwtIssuers::compile(vec![mapped()]).unwrap();
    let ann = issuers.explain_as(ISSUER, "ann", &["read", "x"]).unwrap();
    assert_eq!(ann.identity(), format!("jwt:{ISSUER} ann"));
    assert_eq!(*ann.granted().unwrap().held, [true, false]);
    assert_eq!(ann.expires_at_secs(), None);
    assert!(issuers.explain_as("x", "ann", &[]).is_none());
    assert!(issuers.explain_as(ISSUER, "", &[]).is_none());
}
