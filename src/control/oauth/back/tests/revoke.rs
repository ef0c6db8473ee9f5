//! Tokens that clients give back.

use super::{bench, body, check_refused, field, grants, post, refresh, tokens};
use crate::control::oauth::back::revoke;
use crate::control::oauth::testing::Bench;
use crate::mailbox::OAuthReply;

async fn revoked(bench: &Bench, client: &str, token: &str) -> OAuthReply {
    revoke(bench, &post(&[("client_id", client), ("token", token)])).await
}

#[tokio::test(flavor = "current_thread")]
async fn either_token_ends_the_grant() {
    for place in ["access", "refresh", "spent refresh"] {
        let bench = bench().await;
        let (access, token) = tokens(&bench).await;
        let given = match place {
            "access" => access,
            "refresh" => token.clone(),
            _ => {
                refresh(&bench, &token, &[]).await;
                token.clone()
            }
        };
        let before = bench.shared.live.load().keys_version;
        let reply = revoked(&bench, "editor", &given).await;
        assert_eq!(reply.status, 200, "{place}");
        assert_eq!(body(&reply), serde_json::json!({}));
        assert!(reply.told.identity.is_some(), "{place}");
        assert!(!format!("{reply:?}").contains(&given));
        assert_eq!(grants(&bench).await, 0, "{place}");
        assert_eq!(bench.shared.live.load().keys_version, before + 1, "{place}");
        assert_eq!(refresh(&bench, &token, &[]).await.status, 400, "{place}");
        assert_eq!(revoked(&bench, "editor", &given).await.status, 200, "twice");
        assert_eq!(bench.shared.live.load().keys_version, before + 1, "{place}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_of_another_client_or_of_nobody_lives_on_and_nobody_learns_it() {
    let bench = bench().await;
    let (access, token) = tokens(&bench).await;
    let (_, foreign) = {
        let other = super::bench().await;
        tokens(&other).await
    };
    let mut bent = access.clone();
    bent.truncate(bent.len() - 4);
    bent.push_str("AAAA");
    for (client, token) in [
        ("other", access.as_str()),
        ("other", &token),
        ("editor", &bent),
        ("editor", &foreign),
        ("editor", "a.b.c"),
        ("editor", "eyJhbGciOiJub25lIn0.e30."),
        ("editor", "gho_abc"),
    ] {
        let reply = revoked(&bench, client, token).await;
        assert_eq!((reply.status, body(&reply)), (200, serde_json::json!({})));
        assert!(reply.told.identity.is_none());
        assert_eq!(grants(&bench).await, 1, "{token}");
    }
    assert_eq!(refresh(&bench, &token, &[]).await.status, 200);
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_is_not_known_is_told_so() {
    let bench = bench().await;
    let (access, _) = tokens(&bench).await;
    let refused = revoked(&bench, "nobody", &access).await;
    check_refused("unknown", &refused, 401, "invalid_client");
    let mut request = post(&[("token", &access)]);
    request.authorization = Some(b"Basic bm9ib2R5Ong=".to_vec().into());
    let refused = revoke(&bench, &request).await;
    check_refused("header", &refused, 401, "invalid_client");
    assert!(field(&refused, "WWW-Authenticate").is_some());
    let refused = revoke(&bench, &post(&[("client_id", "editor")])).await;
    check_refused("no token", &refused, 400, "invalid_request");
    assert_eq!(grants(&bench).await, 1);
}
