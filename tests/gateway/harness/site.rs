//! A gateway under TLS with everything around it: authorities, files, clients.

use std::sync::Arc;

use rustls::ClientConfig;

use super::client::{Answer, Client, bearer, post};
use super::gateway::{Gateway, Setup};
use super::pki::{Authority, Identity};
use super::shelf::Shelf;
use super::upstream::Upstream;

/// Authorities of servers and of clients, and the files of a listener.
pub(crate) struct Site {
    pub(crate) shelf: Shelf,
    /// Vouches for the gateway.
    pub(crate) authority: Authority,
    /// Vouches for clients.
    pub(crate) clients: Authority,
    /// Trusts the gateway and shows no certificate.
    pub(crate) visitor: Arc<ClientConfig>,
}

impl Site {
    /// With `server.crt` and `server.key` for `localhost` and `127.0.0.1`, `clients.pem` and, naming nobody, `clients.crl`.
    pub(crate) fn new() -> Self {
        let (authority, clients) = (Authority::root("servers"), Authority::root("clients"));
        let shelf = Shelf::new();
        shelf.put_identity("server", &authority.server(&["localhost", "127.0.0.1"]));
        shelf.put("clients.pem", &clients.pem());
        shelf.put("servers.pem", &authority.pem());
        shelf.put("clients.crl", &clients.revokes(&[]));
        let visitor = authority.visitor();
        Self {
            shelf,
            authority,
            clients,
            visitor,
        }
    }

    /// Reader and admin in front of `upstream`, under TLS with further `keys` of `[server.tls]`.
    pub(crate) fn setup(&self, upstream: &Upstream, keys: &str) -> Setup {
        let mut setup = Setup::in_front_of(&upstream.url());
        setup.config.push_str(&self.section(keys));
        setup
    }

    /// `[server.tls]` with the files of `server` and further `keys`.
    pub(crate) fn section(&self, keys: &str) -> String {
        format!(
            "\n[server.tls]\ncert_path = {:?}\nkey_path = {:?}\n{keys}\n",
            self.shelf.path("server.crt"),
            self.shelf.path("server.key"),
        )
    }

    /// Keys of `[server.tls]` that ask clients for certificates (`optional` or `required`), with the revocation list.
    pub(crate) fn client_auth(&self, wanted: &str) -> String {
        format!(
            "client_auth = \"{wanted}\"\nclient_ca_path = {:?}\ncrl_path = {:?}\n",
            self.shelf.path("clients.pem"),
            self.shelf.path("clients.crl"),
        )
    }

    /// Trusts the gateway and shows `identity`.
    pub(crate) fn visitor_as(&self, identity: &Identity) -> Arc<ClientConfig> {
        self.authority.visitor_as(identity)
    }

    /// A connection without a certificate.
    pub(crate) fn client(&self, gateway: &Gateway) -> Client {
        gateway.tls_client(&self.visitor)
    }

    /// POSTs `body` with `key` on a connection of its own, without a certificate.
    pub(crate) fn post(&self, gateway: &Gateway, key: &str, body: &str) -> Answer {
        self.client(gateway)
            .exchange(post("/mcp", &bearer(key), body))
    }
}
