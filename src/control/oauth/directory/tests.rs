#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{ClientFault, Directory};
use crate::control::oauth::provider::testing::{Fake, Says, configured};
use crate::control::oauth::store::FileStore;
use crate::control::testing::tls::Authority;
use crate::engine::limits::CLIENT_DOCUMENTS_AT_ONCE_MAX;
use crate::engine::oauth::{ClientAuthMethod, ClientOrigin};
use crate::metrics::{OAuthCells, ProviderCall, ProviderResult};

const PATH: &str = "/client.json";

/// A host of documents that proves to be `localhost`, and a directory that trusts its authority.
struct Site {
    fake: Fake,
    directory: Directory,
    cells: Arc<OAuthCells>,
    _authority: NamedTempFile,
}

impl Site {
    async fn open(server_keys: &str) -> Self {
        let authority = Authority::new();
        let fake = Fake::start_with(Some(authority.server("localhost"))).await;
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.pem()).unwrap();
        let keys = format!("client_ca_path = {:?}\n{server_keys}", file.path());
        let (directory, cells) = directory(&keys);
        let site = Self {
            fake,
            directory,
            cells,
            _authority: file,
        };
        site.says(200, &site.document());
        site
    }

    fn id(&self) -> String {
        format!("https://localhost:{}{PATH}", self.fake.port)
    }

    fn document(&self) -> Value {
        json!({
            "client_id": self.id(),
            "client_name": "An Editor",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        })
    }

    fn says(&self, status: u16, document: &Value) {
        self.fake.says(PATH, Says::json(status, document));
    }

    fn fetches(&self) -> usize {
        self.fake.received(PATH).len()
    }

    async fn find(&self) -> Result<super::Client, ClientFault> {
        self.directory.find(&self.id(), peer(1)).await
    }
}

/// `[auth.oauth.server]` with these keys.
fn directory(server_keys: &str) -> (Directory, Arc<OAuthCells>) {
    let cells = Arc::<OAuthCells>::default();
    let config = configured(&format!(
        "provider = \"github\"\nclient_id = \"a\"\nclient_secret = \"b\"\nallowed_users = [\"1\"]\n\
         [auth.oauth.server]\nenabled = true\n{server_keys}"
    ));
    let store = Arc::new(FileStore::in_memory().0);
    (Directory::new(&config, store, Arc::clone(&cells)), cells)
}

fn peer(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(n))
}

const TRUSTED: &str = "trusted_client_hosts = [\"localhost\"]";

#[tokio::test(flavor = "current_thread")]
async fn a_client_is_what_its_document_says_and_is_remembered() {
    let site = Site::open(TRUSTED).await;
    for _ in 0..3 {
        let client = site.find().await.unwrap();
        assert_eq!(*client.id, *site.id());
        assert_eq!(&*client.name, "An Editor");
        assert_eq!(client.origin, ClientOrigin::Document);
        assert_eq!(client.auth_method, ClientAuthMethod::None);
    }
    assert_eq!(site.fetches(), 1);
    let request = &site.fake.received(PATH)[0];
    assert_eq!(request.field("accept"), Some("application/json"));
    for absent in ["authorization", "cookie", "referer"] {
        assert_eq!(request.field(absent), None);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn all_who_want_one_document_cause_one_fetch() {
    let site = Site::open(TRUSTED).await;
    let good = Says::json(200, site.document());
    for says in [Says::json(500, "{}"), good] {
        let site = Site::open(TRUSTED).await;
        // The document names the site that serves it.
        let says = match says {
            Says::Answer(200, ..) => Says::json(200, site.document()),
            other => other,
        };
        site.fake
            .says(PATH, Says::Late(Duration::from_millis(50), Box::new(says)));
        let (site, mut asked) = (Arc::new(site), tokio::task::JoinSet::new());
        for _ in 0..20 {
            let site = Arc::clone(&site);
            asked.spawn(async move { site.find().await.is_ok() });
        }
        let outcomes = asked.join_all().await;
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
        assert_eq!(site.fetches(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_document_of_that_client_is_refused_and_not_asked_for_again() {
    let other = json!({"client_id": "https://localhost/other.json", "client_name": "a", "redirect_uris": ["http://127.0.0.1/cb"]});
    let html = Says::Answer(200, "Content-Type: text/html\r\n".into(), "<p>".into());
    let plain = Says::Answer(200, String::new(), "{}".into());
    for (says, told, result) in [
        (
            Says::json(200, other),
            "client_id",
            ProviderResult::BadAnswer,
        ),
        (html, "application/json", ProviderResult::BadAnswer),
        (plain, "application/json", ProviderResult::BadAnswer),
        (Says::json(404, "{}"), "status 404", ProviderResult::Refused),
        (Says::json(503, "{}"), "status 503", ProviderResult::Down),
        (
            Says::json(302, "{}").with("Location: https://localhost/other"),
            "redirect",
            ProviderResult::BadAnswer,
        ),
        (
            Says::json(200, "x".repeat(16 * 1_024 + 1)),
            "exceeds 16384",
            ProviderResult::BadAnswer,
        ),
        (Says::json(200, "{"), "", ProviderResult::BadAnswer),
        (Says::Nothing, "within 5000 ms", ProviderResult::TimedOut),
    ] {
        let site = Site::open(TRUSTED).await;
        site.fake.says(PATH, says);
        for _ in 0..2 {
            match site.find().await {
                Err(ClientFault::Document(why)) => assert!(why.contains(told), "{told}: {why}"),
                other => panic!("{told}: {other:?}"),
            }
        }
        assert_eq!(site.fetches(), 1, "{told}");
        assert_eq!(
            site.cells.requests(ProviderCall::ClientDocument, result),
            1,
            "{told}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_stranger_leads_the_gateway_to_no_inner_address() {
    // Nobody named `localhost`.
    let site = Site::open("").await;
    let port = site.fake.port;
    for (n, host) in [
        "localhost",
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "[::1]",
        "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "198.18.0.1",
        "240.0.0.1",
        "localhost.",
        "2130706433",
        "0x7f.1",
        "127.1",
        "017700000001",
        "user@localhost",
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("https://{host}:{port}{PATH}");
        let from = peer(u32::try_from(n).unwrap());
        let found = site.directory.find(&id, from).await;
        assert!(
            matches!(found, Err(ClientFault::Document(_) | ClientFault::Unknown)),
            "{id}: {found:?}"
        );
    }
    assert_eq!(site.fetches(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn one_address_can_make_the_gateway_fetch_so_often_and_no_more() {
    let site = Site::open(TRUSTED).await;
    let id = |n: u32| format!("https://localhost:{}/{n}.json", site.fake.port);
    let mut outcomes = Vec::new();
    for n in 0..12 {
        outcomes.push(site.directory.find(&id(n), peer(1)).await.unwrap_err());
    }
    let is_bound = |fault: &&ClientFault| **fault == ClientFault::Unavailable;
    assert_eq!(outcomes.iter().filter(is_bound).count(), 2);
    // Others go on, and what is known costs nothing.
    assert!(site.directory.find(&site.id(), peer(2)).await.is_ok());
    assert!(site.find().await.is_ok());
}

#[tokio::test(flavor = "current_thread")]
async fn a_slow_document_keeps_no_more_waiting_than_there_are_places() {
    let site = Site::open(TRUSTED).await;
    site.find().await.unwrap();
    for one_document in [true, false] {
        let slow = |n: u32| match one_document {
            true => "/slow.json".to_owned(),
            false => format!("/slow{n}.json"),
        };
        let all = u32::try_from(CLIENT_DOCUMENTS_AT_ONCE_MAX).unwrap();
        let mut waiting = Vec::new();
        for n in 0..all {
            site.fake.says(&slow(n), Says::Nothing);
            let id = format!("https://localhost:{}{}", site.fake.port, slow(n));
            let directory = &site.directory;
            let mut waits = Box::pin(async move { directory.find(&id, peer(100 + n)).await });
            let soon = tokio::time::timeout(Duration::from_millis(5), &mut waits).await;
            assert!(soon.is_err(), "{n}: {soon:?}");
            waiting.push(waits);
        }
        let further = format!("https://localhost:{}/other.json", site.fake.port);
        let found = site.directory.find(&further, peer(1)).await;
        assert_eq!(found.unwrap_err(), ClientFault::Unavailable);
        assert!(site.find().await.is_ok(), "what is known needs no place");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_known_client_stays_who_it_was_where_strangers_use_up_what_may_be_fetched() {
    let site = Site::open(TRUSTED).await;
    site.find().await.unwrap();
    let flood = async || {
        for n in 0..12 {
            let id = format!("https://localhost:{}/{n}.json", site.fake.port);
            let _ = site.directory.find(&id, peer(1)).await;
        }
    };
    flood().await;
    site.directory.end_documents();
    assert!(site.find().await.is_ok(), "from before");
    assert_eq!(site.fetches(), 1);
    // Where its own host takes it back, nothing is left of it.
    site.says(404, &json!({}));
    let found = site.directory.find(&site.id(), peer(2)).await;
    assert!(matches!(found, Err(ClientFault::Document(_))), "{found:?}");
    site.directory.end_documents();
    assert_eq!(site.find().await.unwrap_err(), ClientFault::Unavailable);
}

#[tokio::test(flavor = "current_thread")]
async fn a_configured_client_needs_no_network() {
    let (directory, _) = directory(
        "[[auth.oauth.server.clients]]\nclient_id = \"editor\"\nname = \"Editor\"\nredirect_uris = [\"http://127.0.0.1/cb\"]\n\
         [[auth.oauth.server.clients]]\nclient_id = \"web\"\nclient_secret = \"0123456789abcdef0123456789abcdef\"\nredirect_uris = [\"https://web.example/cb\"]",
    );
    let editor = directory.find("editor", peer(1)).await.unwrap();
    assert_eq!(
        (editor.auth_method, editor.secret),
        (ClientAuthMethod::None, None)
    );
    assert_eq!(editor.redirect_uris.len(), 1);
    let web = directory.find("web", peer(1)).await.unwrap();
    assert!(web.secret.is_some());
    assert_eq!(web.origin, ClientOrigin::Configured);
    for unknown in ["Editor", "other", "", "http://localhost/client.json"] {
        let found = directory.find(unknown, peer(1)).await;
        assert_eq!(found.unwrap_err(), ClientFault::Unknown, "{unknown}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_switched_off_is_not_looked_up() {
    let keys = format!("{TRUSTED}\nclient_id_documents = false");
    let site = Site::open(&keys).await;
    assert_eq!(site.find().await.unwrap_err(), ClientFault::Unknown);
    assert_eq!(site.fetches(), 0);
}
