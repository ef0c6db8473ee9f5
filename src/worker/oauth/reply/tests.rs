#![allow(clippy::unwrap_used, reason = "a test may panic")]

use guard_io::http1::Version;

use super::*;
use crate::worker::request_id::RequestIds;

fn envelope(is_head: bool) -> Envelope {
    Envelope {
        request_id: RequestIds::new().unwrap().next(),
        version: Version::Http11,
        is_head,
        keeps_alive: true,
        cors_origin: None,
        standing: None,
        challenge: None,
    }
}

fn text(out: &Buffer) -> String {
    String::from_utf8_lossy(out).into_owned()
}

/// Fields of a reply, and lines of the head that comes of them.
type Row = (
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

#[test]
fn a_reply_says_what_it_says_and_is_kept_by_nobody_otherwise() {
    let rows: [Row; 2] = [
        (
            &[("content-type", "text/html")],
            &[
                "content-type: text/html",
                "x-content-type-options: nosniff",
                "referrer-policy: same-origin",
                "cache-control: no-store",
                "Content-Length: 7",
            ],
        ),
        (
            &[
                ("Cache-Control", "public, max-age=300"),
                ("set-cookie", "a=b"),
                ("set-cookie", "c=d"),
            ],
            &[
                "Cache-Control: public, max-age=300",
                "set-cookie: a=b",
                "set-cookie: c=d",
                "x-content-type-options: nosniff",
            ],
        ),
    ];
    for (fields, lines) in rows {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let mut out = Buffer::new();
        assert!(write_head(&mut out, &envelope(false), 200, &fields, 7));
        let text = text(&out);
        for line in lines {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
        }
        let kept = text.to_ascii_lowercase();
        assert_eq!(kept.matches("cache-control").count(), 1, "{text}");
        assert_eq!(kept.matches("x-request-id").count(), 1, "{text}");
    }
}

#[test]
fn a_value_that_would_add_a_line_or_a_frame_is_not_written() {
    for (name, value) in [
        ("location", "https://a\r\nset-cookie: x=y"),
        ("location", "https://a\nb"),
        ("location", "https://a\0"),
        ("content-length", "3"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("bad name", "x"),
    ] {
        let mut out = Buffer::new();
        out.extend_from_slice(b"before");
        let fields = [(name, value.to_owned())];
        assert!(!write_head(&mut out, &envelope(false), 302, &fields, 0));
        assert_eq!(&*out, b"before", "{name}");
    }
}

#[test]
fn a_refusal_is_written_for_whoever_reads_it() {
    let limited = Failure::RateLimited {
        retry_after_secs: 2,
    };
    let rows = [
        (
            OAuthEndpoint::Token,
            limited,
            false,
            r#"{"error":"temporarily_unavailable","error_description":"rate limit exceeded"}"#,
            &["HTTP/1.1 429 ", "retry-after: 2", "application/json"][..],
        ),
        (
            OAuthEndpoint::Consent,
            Failure::ForeignOrigin,
            false,
            "origin not allowed\n",
            &["HTTP/1.1 403 ", TEXT],
        ),
        (
            OAuthEndpoint::Jwks,
            Failure::Overloaded,
            true,
            "",
            &["HTTP/1.1 503 ", "retry-after: 1"],
        ),
        (
            OAuthEndpoint::Authorize,
            Failure::MethodNotAllowed { allow: "GET" },
            false,
            "method not allowed\n",
            &["allow: GET", "cache-control: no-store"],
        ),
    ];
    for (endpoint, failure, is_head, body, lines) in rows {
        let mut out = Buffer::new();
        let length = write_refusal(&mut out, &envelope(is_head), endpoint, &failure, None);
        let text = text(&out);
        assert!(text.ends_with(&format!("\r\n\r\n{body}")), "{text}");
        assert!(is_head || length == body.len());
        assert!(
            text.contains(&format!("Content-Length: {length}\r\n")),
            "{text}"
        );
        for line in lines {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}

#[test]
fn a_form_from_another_address_is_answered_with_a_link_to_the_gateways_own() {
    let base = PublicBase::parse("https://gw.example/a&b").unwrap();
    let written = |endpoint, failure| {
        let mut out = Buffer::new();
        let length = write_refusal(&mut out, &envelope(false), endpoint, &failure, Some(&base));
        let text = text(&out);
        assert!(
            text.contains(&format!("Content-Length: {length}\r\n")),
            "{text}"
        );
        text
    };
    let page = written(OAuthEndpoint::Consent, Failure::ForeignOrigin);
    let lines = [
        "HTTP/1.1 403 ",
        "content-type: text/html",
        "default-src 'none'",
        "x-frame-options: DENY",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "href=\"https://gw.example/a&amp;b/oauth/authorize\"",
    ];
    for line in lines {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert_eq!(page.matches("content-type:").count(), 1, "{page}");
    for (endpoint, failure) in [
        (OAuthEndpoint::Token, Failure::ForeignOrigin),
        (OAuthEndpoint::Authorize, Failure::ForeignOrigin),
        (OAuthEndpoint::Consent, Failure::FormExpected),
    ] {
        let text = written(endpoint, failure);
        assert!(!text.contains("gw.example"), "{endpoint:?}: {text}");
    }
}
