//! Authorization and token requests: whatever is sent, a browser goes to an address of the client's alone, with each parameter of an
//! answer once, and a token is for what its user allowed.
//!
//! Input: a query or form; after a line feed, the Authorization header.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::oauth::{
    AuthorizationRefusal, AuthorizationRequest, Challenge, Client, ClientAuthMethod, ClientOrigin,
    Code, Form, Grant, GrantId, OAuthCode, OAuthFault, Offer, RedirectUri, RevocationRequest,
    SecretHash, TokenAsk, TokenRequest, User,
};
use mcp_guard::engine::route::{PublicBase, Routes};
use mcp_guard::engine::snapshot::{ServerParts, Speech, Upstream, UpstreamAddress};

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://gw.example";

/// Where the client may be answered, and what may stand between the last two of them.
const REDIRECTS: [&str; 3] = [
    "https://app.example/cb",
    "http://127.0.0.1/cb?a=b",
    "cursor://app/cb",
];

static CLIENT: LazyLock<Client> = LazyLock::new(|| Client {
    id: "c".into(),
    name: "App".into(),
    origin: ClientOrigin::Configured,
    redirect_uris: REDIRECTS
        .map(|uri| RedirectUri::parse(uri).expect("good"))
        .into(),
    auth_method: ClientAuthMethod::None,
    secret: None,
    refreshes: true,
});

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let upstream = Upstream {
        address: UpstreamAddress::Http {
            host: "127.0.0.1".into(),
            port: 1,
            is_secure: false,
        },
        target: "/".into(),
        host_header: "127.0.0.1:1".into(),
        speech: Speech::DEFAULT,
    };
    let server = ServerParts::new("github", upstream);
    Routes::compile(&[server]).expect("one server")
});

static BASE: LazyLock<PublicBase> = LazyLock::new(|| PublicBase::parse(ISSUER).expect("good"));

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let text = parts.next().unwrap_or_default();
    let header = parts.next();
    let Ok(form) = Form::parse(text) else { return };
    reads_as_everybody_does(&form, text);
    let offer = Offer {
        base: &BASE,
        routes: &ROUTES,
        scopes: &["read", "write"],
        legacy_sse: true,
    };
    authorize(&form, &offer);
    token(&form, header, &offer);
    let _ = RevocationRequest::parse(&form, header);
});

/// What is accepted, a lenient reader takes for the same.
fn reads_as_everybody_does(form: &Form<'_>, text: &[u8]) {
    for (name, value) in form_urlencoded::parse(text) {
        assert!(!value.contains(char::is_control));
        let mut found = form.values(&name);
        assert!(
            value.is_empty() || found.any(|found| found == value),
            "{name}"
        );
    }
}

fn authorize(form: &Form<'_>, offer: &Offer<'_>) {
    match AuthorizationRequest::parse(form, &CLIENT, offer) {
        Ok(request) => {
            goes_to_the_client(&request.success_location("x", ISSUER), form, "code");
            let denied = OAuthFault::new(OAuthCode::AccessDenied, "no");
            goes_to_the_client(&request.fault_location(denied, ISSUER), form, "error");
            assert!(is_ours(&request.audience), "{}", request.audience);
            let known = |scope: &Box<str>| matches!(&**scope, "read" | "write");
            assert!(request.scopes.len() <= 2 && request.scopes.iter().all(known));
        }
        Err(AuthorizationRefusal::Redirect(redirect)) => {
            goes_to_the_client(&redirect.location(ISSUER), form, "error");
        }
        Err(AuthorizationRefusal::Page(_)) => {}
    }
}

fn is_ours(audience: &str) -> bool {
    audience
        .strip_prefix(ISSUER)
        .is_some_and(|path| path.is_empty() || path.starts_with("/mcp") || path.starts_with("/sse"))
}

fn goes_to_the_client(location: &str, form: &Form<'_>, answer: &str) {
    assert!(
        location.bytes().all(|byte| byte.is_ascii_graphic()),
        "{location}"
    );
    let (place, query) = location.split_once('?').expect("an answer has a query");
    let is_loopback = place
        .strip_prefix("http://127.0.0.1")
        .and_then(|rest| rest.strip_suffix("/cb"))
        .is_some_and(|port| {
            let digits = port.strip_prefix(':').unwrap_or(port);
            digits.bytes().all(|byte| byte.is_ascii_digit())
        });
    assert!(
        is_loopback || place == REDIRECTS[0] || place == REDIRECTS[2],
        "{location}"
    );
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let all = |name: &str| -> Vec<&str> {
        let named = pairs.iter().filter(|(found, _)| found == name);
        named.map(|(_, value)| &**value).collect()
    };
    assert_eq!(all(answer).len(), 1, "{location}");
    assert_eq!(all("iss"), [ISSUER], "{location}");
    let state: Vec<_> = form.value("state").into_iter().collect();
    assert_eq!(all("state"), state, "{location}");
}

fn token(form: &Form<'_>, header: Option<&[u8]>, offer: &Offer<'_>) {
    let Ok(request) = TokenRequest::parse(form, header) else {
        return;
    };
    let grant = grant();
    let extent = match &request.asked {
        TokenAsk::Code(ask) => {
            let code = Code {
                hash: ask.code,
                grant: grant.clone(),
                redirect_uri: REDIRECTS[0].into(),
                challenge: Challenge::of_verifier(&"v".repeat(43)).expect("good"),
                expires_at_secs: NOW + 60,
            };
            assert_eq!(Some(ask.code), form.value("code").map(hash));
            let extent = request.redeem(ask, &code, offer, NOW);
            let is_proven = form.value("code_verifier") == Some(&*"v".repeat(43));
            assert!(extent.is_err() || is_proven);
            assert!(request.redeem(ask, &code, offer, NOW + 60).is_err());
            extent
        }
        TokenAsk::Refresh(ask) => {
            assert_eq!(Some(ask.token), form.value("refresh_token").map(hash));
            request.narrow(ask, &grant, offer, NOW)
        }
    };
    let Ok(extent) = extent else { return };
    assert_eq!(request.credentials.client_id, grant.client_id);
    assert_eq!(extent.audience, grant.audience);
    assert!(
        extent
            .scopes
            .iter()
            .all(|scope| grant.scopes.contains(scope))
    );
}

fn hash(secret: &str) -> SecretHash {
    SecretHash::of(secret.as_bytes())
}

fn grant() -> Grant {
    Grant {
        id: GrantId([1; 16]),
        user: User {
            id: "ann".into(),
            name: None,
            email: None,
        },
        client_id: "c".into(),
        audience: "https://gw.example/mcp".into(),
        scopes: vec!["read".into()],
        created_at_secs: NOW,
        expires_at_secs: NOW + 1_000,
        provider_tokens: None,
    }
}
