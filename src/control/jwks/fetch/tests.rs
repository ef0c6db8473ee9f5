#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use super::{FetchFault, fetch};
use crate::config::model::FetchUrl;
use crate::control::http::ClientError;
use crate::control::jwks::testing::{Conduct, Issuer};
use crate::control::outbound::OutboundFault;
use crate::control::testing::tls::Authority;
use crate::engine::limits::JWKS_BYTES_MAX;
use crate::metrics::JwksResult;

async fn outcome(conduct: Conduct) -> Result<Vec<u8>, FetchFault> {
    let issuer = Issuer::start(conduct).await;
    let fetched = fetch(&issuer.url("127.0.0.1"), None).await;
    fetched.map(|fetched| fetched.document)
}

#[tokio::test(flavor = "current_thread")]
async fn a_set_is_asked_for_as_it_should_be() {
    let issuer = Issuer::start(Conduct::publishes("{}", "Cache-Control: max-age=600\r\n")).await;
    let fetched = fetch(&issuer.url("localhost"), None).await.unwrap();
    assert_eq!(fetched.document, b"{}");
    assert_eq!(fetched.own_life, Some(Duration::from_secs(600)));
    let [request] = &issuer.requests()[..] else {
        panic!("one request")
    };
    let mut lines = request.lines();
    assert_eq!(lines.next(), Some("GET /jwks?a=b HTTP/1.1"));
    let host = format!("Host: localhost:{}", issuer.url("").port);
    for wanted in [
        host.as_str(),
        "Accept: application/jwk-set+json, application/json",
    ] {
        assert!(request.lines().any(|line| line == wanted), "{request}");
    }
    assert!(!request.to_ascii_lowercase().contains("accept-encoding"));
}

#[tokio::test(flavor = "current_thread")]
async fn only_a_whole_200_is_taken() {
    let long = "x".repeat(JWKS_BYTES_MAX);
    assert!(outcome(Conduct::publishes(&long, "")).await.is_ok());
    let too_long = format!("{long}x");
    for (conduct, result, told) in [
        (
            Conduct::publishes(&too_long, ""),
            JwksResult::BadAnswer,
            "exceeds 262144 bytes",
        ),
        (
            Conduct::refuses("500 Internal Server Error", ""),
            JwksResult::BadStatus,
            "status 500",
        ),
        (
            Conduct::refuses("304 Not Modified", ""),
            JwksResult::BadStatus,
            "status 304",
        ),
        (
            Conduct::refuses("204 No Content", ""),
            JwksResult::BadStatus,
            "status 204",
        ),
        (
            Conduct::Says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}".to_vec()),
            JwksResult::Unreachable,
            "closed",
        ),
        (
            Conduct::Says(b"\x16\x03\x01 garbage\r\n\r\n".to_vec()),
            JwksResult::BadAnswer,
            "not valid HTTP",
        ),
        (Conduct::Says(Vec::new()), JwksResult::Unreachable, "closed"),
    ] {
        let fault = outcome(conduct).await.unwrap_err();
        assert_eq!(fault.result(), result, "{fault}");
        assert!(fault.to_string().contains(told), "{fault} {told}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_redirect_is_followed_and_the_message_says_where_it_leads() {
    let target = Issuer::start(Conduct::publishes("{}", "")).await;
    for status in ["301 a", "302 a", "303 a", "307 a", "308 a"] {
        let location = format!("Location: {}\r\n", target.url("127.0.0.1").text);
        let fault = outcome(Conduct::refuses(status, &location))
            .await
            .unwrap_err();
        assert_eq!(fault.result(), JwksResult::BadStatus);
        let told = fault.to_string();
        let origin = format!("http://127.0.0.1:{}", target.url("").port);
        assert!(
            told.contains(&origin) && told.contains("jwks_url"),
            "{told}"
        );
        assert!(!told.contains("a=b"), "{told}");
    }
    assert!(target.requests().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn addresses_are_judged_after_the_look_up() {
    let issuer = Issuer::start(Conduct::publishes("{}", "")).await;
    for host in ["192.0.2.1", "169.254.169.254", "0.0.0.0", "::ffff:10.0.0.1"] {
        let fault = fetch(&issuer.url(host), None).await.unwrap_err();
        assert_eq!(fault.result(), JwksResult::Forbidden, "{host}: {fault}");
    }
    let secure = FetchUrl {
        is_secure: true,
        ..issuer.url("169.254.169.254")
    };
    let config = Authority::new().client();
    let fault = fetch(&secure, Some(&config)).await.unwrap_err();
    assert_eq!(fault.result(), JwksResult::Forbidden);
    assert!(issuer.requests().is_empty());
    for good in ["localhost", "127.0.0.1"] {
        assert!(fetch(&issuer.url(good), None).await.is_ok(), "{good}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn over_tls_the_host_must_be_the_one_that_is_named() {
    let authority = Authority::new();
    let tls = Some(authority.server("localhost"));
    let issuer = Issuer::start_on("127.0.0.1:0", Conduct::publishes("{}", ""), tls).await;
    let url = |host| FetchUrl {
        is_secure: true,
        ..issuer.url(host)
    };
    let (trusted, foreign) = (authority.client(), Authority::new().client());
    assert!(fetch(&url("localhost"), Some(&trusted)).await.is_ok());
    for (host, config) in [("127.0.0.1", &trusted), ("localhost", &foreign)] {
        let fault = fetch(&url(host), Some(config)).await.unwrap_err();
        assert!(
            matches!(
                fault,
                FetchFault::Outbound(OutboundFault::Http(ClientError::Tls(_)))
            ),
            "{host}: {fault}"
        );
    }
    let nobody = fetch(&url("localhost"), None).await.unwrap_err();
    assert!(matches!(
        nobody,
        FetchFault::Outbound(OutboundFault::Trust(_))
    ));
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_never_comes_or_never_ends_is_given_up() {
    let times = [Conduct::Hangs, Conduct::Drips].map(async |conduct| {
        let fault = tokio::time::timeout(Duration::from_secs(20), outcome(conduct)).await;
        assert_eq!(fault.unwrap().unwrap_err().result(), JwksResult::TimedOut);
    });
    let [first, second] = times;
    tokio::join!(first, second);
}
