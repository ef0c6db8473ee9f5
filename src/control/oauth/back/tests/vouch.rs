//! Whether the user is still one, as the provider says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{REDIRECT, bench, body, check_refused, grants, pair, post, tokens};
use crate::config::model::OAuth;
use crate::control::oauth::back::grace::in_time;
use crate::control::oauth::back::token::issue;
use crate::control::oauth::provider::{LoggedIn, Provider, ProviderFault, Scripted};
use crate::control::oauth::testing::{Bench, client, config, somebody};
use crate::control::tls::now_secs;
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::limits::{OAUTH_VOUCH_GRACE_SECS, OAUTH_VOUCH_SECS};
use crate::engine::oauth::{ClientOrigin, SecretHash};
use crate::mailbox::OAuthReply;

/// What comes of `token` so many seconds from now.
async fn refresh_after(bench: &Bench, token: &str, secs: u64) -> OAuthReply {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "editor"),
    ];
    let issued = issue(bench, &post(&fields), now_secs() + secs).await;
    issued.unwrap_or_else(|refused| refused.into_reply(false))
}

fn says(bench: &Bench, word: Result<LoggedIn, ProviderFault>) {
    bench.script.held.lock().unwrap().push_back(word);
}

fn unasked(bench: &Bench) -> usize {
    bench.script.held.lock().unwrap().len()
}

#[tokio::test(flavor = "current_thread")]
async fn the_provider_is_asked_now_and_then() {
    let bench = bench().await;
    let (_, token) = tokens(&bench).await;
    says(&bench, Ok(somebody("583231", &[])));
    let (_, token) = pair(&refresh_after(&bench, &token, OAUTH_VOUCH_SECS - 5).await);
    assert_eq!(unasked(&bench), 1);
    let (_, token) = pair(&refresh_after(&bench, &token, OAUTH_VOUCH_SECS).await);
    assert_eq!(unasked(&bench), 0);
    // Its word counts from now on.
    says(&bench, Ok(somebody("583231", &[])));
    let (_, token) = pair(&refresh_after(&bench, &token, 2 * OAUTH_VOUCH_SECS - 5).await);
    assert_eq!(unasked(&bench), 1);
    pair(&refresh_after(&bench, &token, 2 * OAUTH_VOUCH_SECS).await);
    assert_eq!(unasked(&bench), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_provider_gives_is_kept_sealed_in_the_place_of_what_there_was() {
    let bench = bench().await;
    let (_, token) = tokens(&bench).await;
    let mut who = somebody("583231", &[]);
    *who.tokens = b"newer provider token".to_vec();
    says(&bench, Ok(who));
    let (_, next) = pair(&refresh_after(&bench, &token, OAUTH_VOUCH_SECS).await);
    let hash = SecretHash::of(next.as_bytes());
    let held = bench
        .store
        .grant_of(hash, now_secs())
        .await
        .unwrap()
        .unwrap();
    let sealed = held.grant.provider_tokens.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("newer"));
    let opened = bench.vault.open_tokens(held.grant.id, &sealed).unwrap();
    assert_eq!(**opened, *b"newer provider token");
}

#[tokio::test(flavor = "current_thread")]
async fn whoever_is_no_user_any_more_loses_the_grant() {
    for (case, word) in [
        ("refused", Err(ProviderFault::Refused("invalid_grant"))),
        (
            "not allowed",
            Err(ProviderFault::NotAllowed("left the organization".into())),
        ),
        ("somebody else", Ok(somebody("1", &[]))),
    ] {
        let bench = bench().await;
        let (_, token) = tokens(&bench).await;
        let before = bench.shared.live.load().keys_version;
        says(&bench, word);
        let refused = refresh_after(&bench, &token, OAUTH_VOUCH_SECS).await;
        check_refused(case, &refused, 400, "invalid_grant");
        let answer = body(&refused).to_string();
        assert!(!answer.contains("organization"), "{answer}");
        assert_eq!(grants(&bench).await, 0, "{case}");
        assert_eq!(bench.shared.live.load().keys_version, before + 1, "{case}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn whoever_allowed_users_names_no_more_loses_the_grant_at_once() {
    for (pattern, may) in [("583231", true), ("*@gone.example", false)] {
        let allowed = OAuth {
            allowed_users: vec![IdentityPattern::parse(pattern).unwrap()],
            ..config()
        };
        let editor = client("editor", ClientOrigin::Configured, &[REDIRECT]);
        let bench = Bench::start(allowed, vec![editor]).await;
        let (_, token) = tokens(&bench).await;
        let reply = refresh_after(&bench, &token, 1).await;
        match may {
            true => drop(pair(&reply)),
            false => check_refused(pattern, &reply, 400, "invalid_grant"),
        }
        assert_eq!(grants(&bench).await, u64::from(may), "{pattern}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_provider_that_cannot_be_asked_is_borne_with_for_a_day() {
    for fault in [
        ProviderFault::Unavailable("it is down".into()),
        ProviderFault::BadAnswer("it is mad".into()),
        ProviderFault::ClientRefused("invalid_client"),
        ProviderFault::WrongIssuer,
    ] {
        let bench = bench().await;
        let (_, token) = tokens(&bench).await;
        says(&bench, Err(fault.clone()));
        let within = OAUTH_VOUCH_GRACE_SECS - 5;
        let (_, token) = pair(&refresh_after(&bench, &token, within).await);
        says(&bench, Err(fault.clone()));
        let refused = refresh_after(&bench, &token, OAUTH_VOUCH_GRACE_SECS).await;
        check_refused("beyond", &refused, 400, "invalid_grant");
        // Nobody said that the user is none: the grant goes on when the provider is back.
        says(&bench, Ok(somebody("583231", &[])));
        pair(&refresh_after(&bench, &token, OAUTH_VOUCH_GRACE_SECS).await);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_provider_grants_no_more_is_in_no_further_token() {
    let mut config = config();
    config.scopes.push("files:write".to_owned());
    let editor = client("editor", ClientOrigin::Configured, &[REDIRECT]);
    let bench = Bench::start(config, vec![editor]).await;
    let (_, token) = tokens(&bench).await;
    says(&bench, Ok(somebody("583231", &["files:write"])));
    let reply = refresh_after(&bench, &token, OAUTH_VOUCH_SECS).await;
    assert_eq!(body(&reply)["scope"], "files:read files:write");
    let (_, token) = pair(&reply);
    says(&bench, Ok(somebody("583231", &[])));
    let reply = refresh_after(&bench, &token, 2 * OAUTH_VOUCH_SECS).await;
    assert_eq!(body(&reply)["scope"], "files:read");
}

#[tokio::test(flavor = "current_thread")]
async fn a_provider_that_takes_too_long_says_nothing_and_is_heard_to_the_end() {
    for (time_max_ms, is_heard) in [(10, false), (60_000, true)] {
        let script = Arc::new(Scripted {
            held: Mutex::new(VecDeque::from([Ok(somebody("583231", &[]))])),
            held_pause: Duration::from_millis(200),
            ..Scripted::default()
        });
        let provider = Provider::scripted(Arc::clone(&script));
        let time_max = Duration::from_millis(time_max_ms);
        let told = in_time(provider, Vec::new().into(), time_max).await;
        assert_eq!(told.is_ok(), is_heard);
        if let Err(fault) = told {
            assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
        }
        // It may have spent a refresh token: it is not interrupted.
        let ended = async {
            while !script.held.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
        assert!(ended.is_ok(), "{time_max_ms}");
    }
}
