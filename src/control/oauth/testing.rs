//! A context of OAuth whose provider and clients are a test's own, with a store that ends with the process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::context::Context;
use super::directory::Directory;
use super::front::Pendings;
use super::provider::{LoggedIn, Provider, ProviderFault, Scripted};
use super::signer::Signer;
use super::store::{FileStore, Store};
use crate::config::model::{
    FetchUrl, OAuth, OAuthClient, OAuthProvider, OAuthServer, SigningAlgorithm,
};
use crate::control::testing::{servers, shared, text};
use crate::control::tls::now_secs;
use crate::engine::admission::Verb;
use crate::engine::oauth::{
    Client, ClientAuthMethod, ClientOrigin, OAuthEndpoint, RedirectUri, User,
};
use crate::engine::route::PublicBase;
use crate::mailbox::OAuthRequest;

/// Where the gateway of tests is found.
pub(super) const BASE: &str = "https://gw.example/base";

/// The issuer of the provider.
pub(super) const PROVIDER: &str = "https://issuer.example";

/// A context, and the provider in it.
pub(super) struct Bench {
    context: Context,
    /// What the provider was asked, and says next.
    pub(super) script: Arc<Scripted>,
}

impl Deref for Bench {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl Bench {
    /// One under `config`, with `clients`: those that are not registered are configured.
    pub(super) async fn start(config: OAuth, clients: Vec<Client>) -> Self {
        let script = Scripted {
            issuer: Some(PROVIDER.to_owned()),
            ..Scripted::default()
        };
        Self::with(config, clients, script).await
    }

    /// The same with a provider of the test's own.
    pub(super) async fn with(mut config: OAuth, clients: Vec<Client>, script: Scripted) -> Self {
        let (store, vault) = FileStore::in_memory();
        let store: Arc<dyn Store> = Arc::new(store);
        for client in clients {
            match (client.origin, &mut config.server) {
                (ClientOrigin::Configured, Some(server)) => server.clients.push(written(&client)),
                (ClientOrigin::Configured, None) => {}
                _ => store.register(client, now_secs()).await.unwrap(),
            }
        }
        let (keys, sealing) = (Arc::clone(&store), vault.clone());
        let signer = Signer::load(keys, sealing, config.signing_algorithm, now_secs()).await;
        let script = Arc::new(script);
        let cells = Arc::default();
        let context = Context {
            base: PublicBase::parse(BASE).unwrap(),
            shared: shared(&text("", &servers(&[("files", 1, "")])), 1),
            signer: Arc::new(signer.unwrap()),
            provider: Provider::scripted(Arc::clone(&script)),
            clients: Directory::new(&config, Arc::clone(&store), cells),
            config,
            store,
            vault,
            pendings: Arc::<Pendings>::default(),
            desk: Arc::default(),
            is_over: Arc::default(),
        };
        Self { context, script }
    }

    /// What comes of the next code.
    pub(super) fn next(&self, outcome: Result<LoggedIn, ProviderFault>) {
        self.script.redeemed.lock().unwrap().push_back(outcome);
    }

    /// Somebody logs in next, unless something else was said.
    pub(super) fn let_in(&self) {
        let mut redeemed = self.script.redeemed.lock().unwrap();
        if redeemed.is_empty() {
            redeemed.push_back(Ok(somebody("583231", &[])));
        }
    }

    /// How many codes the provider has redeemed.
    pub(super) fn redeemed(&self) -> usize {
        self.script.asked.lock().unwrap().len()
    }
}

/// A request of a browser without cookies.
pub(super) fn asked(endpoint: OAuthEndpoint) -> OAuthRequest {
    OAuthRequest {
        endpoint,
        verb: Verb::Get,
        query: Box::default(),
        body: Zeroizing::default(),
        content_type: None,
        cookie: None,
        authorization: None,
        origin: None,
        fetch_site: None,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// Somebody who has logged in, with `scopes` that the provider granted.
pub(super) fn somebody(id: &str, scopes: &[&str]) -> LoggedIn {
    LoggedIn {
        user: User {
            id: id.into(),
            name: Some("Some Body".into()),
            email: None,
        },
        scopes: scopes.iter().map(|scope| Box::from(*scope)).collect(),
        tokens: Zeroizing::new(b"provider token".to_vec()),
    }
}

/// `client` as it stands in a configuration.
fn written(client: &Client) -> OAuthClient {
    let uris = client.redirect_uris.iter();
    OAuthClient {
        client_id: client.id.to_string(),
        client_secret: None,
        name: client.name.to_string(),
        redirect_uris: uris.map(|uri| uri.as_str().to_owned()).collect(),
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
        refreshes: true,
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
        login: true,
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
