//! A context of OAuth whose provider and clients are a test's own, with a store that ends with the process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::directory::ClientFault;
use super::front::Pendings;
use super::outside::{Clients, Login};
use super::provider::{LoggedIn, LoginSecrets, ProviderFault};
use super::signer::Signer;
use super::store::{FileStore, Store};
use crate::config::model::{FetchUrl, OAuth, OAuthProvider, OAuthServer, SigningAlgorithm};
use crate::control::bridge::BoxFuture;
use crate::control::testing::{servers, shared, text};
use crate::control::tls::now_secs;
use crate::engine::oauth::{Client, ClientAuthMethod, ClientOrigin, RedirectUri, User};
use crate::engine::route::PublicBase;

/// Where the gateway of tests is found.
pub(super) const BASE: &str = "https://gw.example/base";

/// The issuer of [`FakeLogin`].
pub(super) const PROVIDER: &str = "https://issuer.example";

/// A provider that lets in whoever it is told to.
#[derive(Debug)]
pub(super) struct FakeLogin {
    /// Who logs in next, or why nobody does.
    pub(super) next: Mutex<Result<(String, Vec<Box<str>>), ProviderFault>>,
    /// Codes that were redeemed.
    pub(super) redeemed: Mutex<Vec<String>>,
    /// Whether it can be reached.
    pub(super) is_there: Mutex<bool>,
}

impl Default for FakeLogin {
    fn default() -> Self {
        Self {
            next: Mutex::new(Ok(("583231".to_owned(), Vec::new()))),
            redeemed: Mutex::default(),
            is_there: Mutex::new(true),
        }
    }
}

impl FakeLogin {
    fn log_in(&self) -> Result<LoggedIn, ProviderFault> {
        let (id, scopes) = self.next.lock().unwrap().clone()?;
        Ok(LoggedIn {
            user: User {
                id: id.as_str().into(),
                name: Some("Some Body".into()),
                email: None,
            },
            scopes,
            tokens: Zeroizing::new(b"provider token".to_vec()),
        })
    }
}

impl Login for FakeLogin {
    fn authorization_url<'a>(
        &'a self,
        secrets: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<String, ProviderFault>> {
        let is_there = *self.is_there.lock().unwrap();
        let url = format!("{PROVIDER}/authorize?state={}", *secrets.state);
        Box::pin(async move {
            match is_there {
                true => Ok(url),
                false => Err(ProviderFault::Unavailable("it is down".into())),
            }
        })
    }

    fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        match iss {
            Some(PROVIDER) => Ok(()),
            _ => Err(ProviderFault::WrongIssuer),
        }
    }

    fn redeem<'a>(
        &'a self,
        code: &'a str,
        _: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>> {
        self.redeemed.lock().unwrap().push(code.to_owned());
        Box::pin(async { self.log_in() })
    }

    fn still_holds<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>> {
        Box::pin(async { self.log_in() })
    }
}

/// Clients as listed.
#[derive(Debug)]
pub(super) struct FakeClients(pub(super) Vec<Client>);

impl Clients for FakeClients {
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Client, ClientFault>> {
        let found = self.0.iter().find(|client| *client.id == *id).cloned();
        Box::pin(async { found.ok_or(ClientFault::Unknown) })
    }
}

/// A public client.
pub(super) fn client(id: &str, origin: ClientOrigin, redirect_uris: &[&str]) -> Client {
    let uris = redirect_uris
        .iter()
        .map(|uri| RedirectUri::parse(uri).unwrap());
    Client {
        id: id.into(),
        name: format!("Client {id}").into(),
        origin,
        redirect_uris: uris.collect(),
        auth_method: ClientAuthMethod::None,
        secret: None,
    }
}

/// `[auth.oauth]` with an authorization server and the scopes `files:read` and `files:write`.
pub(super) fn config() -> OAuth {
    let url = |path: &str| FetchUrl {
        text: format!("{PROVIDER}{path}"),
        is_secure: true,
        host: "issuer.example".to_owned(),
        port: 443,
        target: path.to_owned(),
        ca_path: None,
    };
    OAuth {
        provider: OAuthProvider::Custom,
        realm: PROVIDER.to_owned(),
        client_id: "gateway".to_owned(),
        client_secret: None,
        issuer: Some(url("/")),
        authorization_url: Some(url("/authorize")),
        token_url: Some(url("/token")),
        introspection_url: None,
        userinfo_url: None,
        redirect_uri: format!("{BASE}/oauth/callback"),
        scopes: vec!["openid".to_owned()],
        user_id_claim: "sub".to_owned(),
        scope_tool_mapping: ["files:read", "files:write"]
            .map(|scope| (scope.to_owned(), vec!["*".to_owned()]))
            .into(),
        allowed_tools: Vec::new(),
        denied_tools: Vec::new(),
        rate_limit: None,
        burst_size: None,
        identities: Vec::new(),
        allowed_users: Vec::new(),
        allowed_organizations: Vec::new(),
        required_claims: Vec::new(),
        opaque_tokens: false,
        audience: Vec::new(),
        token_cache_ttl: Duration::from_secs(300),
        login_token_ttl: Duration::from_secs(3_600),
        store_path: "memory".into(),
        store_key: None,
        signing_algorithm: SigningAlgorithm::Es256,
        server: Some(OAuthServer {
            access_token_ttl: Duration::from_secs(600),
            refresh_token_ttl: Duration::from_secs(14 * 86_400),
            grant_ttl: Duration::from_secs(90 * 86_400),
            dynamic_registration: true,
            client_id_documents: true,
            trusted_client_hosts: Vec::new(),
            client_ca_path: None,
            clients: Vec::new(),
        }),
    }
}

/// A context under `config`, with `clients` and the provider that lets in whom the second says.
pub(super) async fn context(config: OAuth, clients: Vec<Client>) -> (Context, Arc<FakeLogin>) {
    let (store, vault) = FileStore::in_memory();
    let store: Arc<dyn Store> = Arc::new(store);
    let signing = config.signing_algorithm;
    let signer = Signer::load(Arc::clone(&store), vault.clone(), signing, now_secs()).await;
    let provider = Arc::<FakeLogin>::default();
    let context = Context {
        config,
        base: PublicBase::parse(BASE).unwrap(),
        shared: shared(&text("", &servers(&[("files", 1, "")])), 1),
        store,
        signer: Arc::new(signer.unwrap()),
        provider: Arc::clone(&provider) as Arc<dyn Login>,
        clients: Arc::new(FakeClients(clients)),
        vault,
        pendings: Arc::<Pendings>::default(),
        desk: Arc::default(),
    };
    (context, provider)
}
