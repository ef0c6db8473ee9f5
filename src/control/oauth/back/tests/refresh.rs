//! Refresh tokens for the next ones.

use super::{BASE, SECRET, bench, body, check_refused, claims, grants, pair, refresh, tokens};

#[tokio::test(flavor = "current_thread")]
async fn each_refresh_gives_the_next_and_the_same_grant() {
    let bench = bench().await;
    let (first, mut token) = tokens(&bench).await;
    for _ in 0..3 {
        let (access, next) = pair(&refresh(&bench, &token, &[]).await);
        assert_eq!(claims(&access)["gid"], claims(&first)["gid"]);
        assert_ne!(claims(&access)["jti"], claims(&first)["jti"]);
        assert_ne!(next, token);
        token = next;
    }
    assert_eq!(grants(&bench).await, 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_that_comes_twice_ends_its_grant() {
    let bench = bench().await;
    let (_, first) = tokens(&bench).await;
    let (_, second) = pair(&refresh(&bench, &first, &[]).await);
    let before = bench.shared.live.load().keys_version;
    let again = refresh(&bench, &first, &[]).await;
    check_refused("reuse", &again, 400, "invalid_grant");
    assert!(again.told.message.unwrap().contains("used before"));
    assert!(again.told.identity.is_some());
    check_refused(
        "the good one",
        &refresh(&bench, &second, &[]).await,
        400,
        "invalid_grant",
    );
    assert_eq!(grants(&bench).await, 0);
    assert_eq!(bench.shared.live.load().keys_version, before + 1);
}

#[tokio::test(flavor = "current_thread")]
async fn another_client_ends_nothing_with_a_token_that_was_used() {
    let bench = bench().await;
    let (_, first) = tokens(&bench).await;
    let (_, second) = pair(&refresh(&bench, &first, &[]).await);
    let foreign = refresh(&bench, &first, &[("client_id", "other")]).await;
    check_refused("other client", &foreign, 400, "invalid_grant");
    pair(&refresh(&bench, &second, &[]).await);
}

#[tokio::test(flavor = "current_thread")]
async fn of_two_refreshes_at_once_one_ends_the_grant() {
    let bench = bench().await;
    let (_, token) = tokens(&bench).await;
    let (one, other) = tokio::join!(refresh(&bench, &token, &[]), refresh(&bench, &token, &[]));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(grants(&bench).await, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_asked_wrongly_costs_nothing() {
    let bench = bench().await;
    let (_, token) = tokens(&bench).await;
    for (case, more, status, error) in [
        (
            "other client",
            &[("client_id", "other")][..],
            400,
            "invalid_grant",
        ),
        (
            "unknown client",
            &[("client_id", "nobody")],
            401,
            "invalid_client",
        ),
        (
            "other client with its secret",
            &[("client_id", "secretive"), ("client_secret", SECRET)],
            400,
            "invalid_grant",
        ),
        (
            "unknown token",
            &[("refresh_token", "mcpg_refresh_abc")],
            400,
            "invalid_grant",
        ),
        ("no token", &[("refresh_token", "")], 400, "invalid_request"),
        (
            "other resource",
            &[("resource", "https://gw.example/base/mcp/else")],
            400,
            "invalid_target",
        ),
        (
            "all resources",
            &[("resource", BASE)],
            400,
            "invalid_target",
        ),
        ("no scopes", &[("scope", "a \"b\"")], 400, "invalid_scope"),
    ] {
        check_refused(case, &refresh(&bench, &token, more).await, status, error);
        assert_eq!(grants(&bench).await, 1, "{case}");
    }
    assert_eq!(refresh(&bench, &token, &[]).await.status, 200);
}

#[tokio::test(flavor = "current_thread")]
async fn scopes_are_narrowed_for_one_token_and_never_widened() {
    let bench = bench().await;
    let (_, mut token) = tokens(&bench).await;
    for (asked, given) in [
        ("files:read", "files:read"),
        ("files:write files:read", "files:write files:read"),
        ("files:read admin", "files:read"),
        ("admin", ""),
    ] {
        let reply = refresh(&bench, &token, &[("scope", asked)]).await;
        let (access, next) = pair(&reply);
        let mut told: Vec<_> = body(&reply)["scope"]
            .as_str()
            .unwrap()
            .split(' ')
            .map(str::to_owned)
            .collect();
        told.sort_unstable();
        let mut expected: Vec<_> = given.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(told, expected, "{asked}");
        let in_token = claims(&access);
        assert_eq!(
            in_token.get("scope").is_some(),
            !given.is_empty(),
            "{asked}"
        );
        token = next;
    }
    let reply = refresh(&bench, &token, &[]).await;
    assert_eq!(body(&reply)["scope"], "files:read files:write");
}
