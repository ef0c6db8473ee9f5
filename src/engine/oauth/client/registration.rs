//! Dynamic registration (RFC 7591): a client that introduces itself, and what it is told.

use std::fmt;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::metadata::{Metadata, MetadataFault};
use super::{Client, ClientAuthMethod, ClientOrigin, RedirectUri};
use crate::engine::oauth::grant::GrantId;
use crate::engine::oauth::secret::{SecretKind, mint};

/// What clients are called that give no name.
const NAMELESS: &str = "unnamed client";

/// A request to be registered: everything in it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    name: Option<Box<str>>,
    redirect_uris: Vec<RedirectUri>,
    auth_method: ClientAuthMethod,
    refreshes: bool,
}

/// A client that has just been registered. `Debug` does not show its secret.
pub struct Registered {
    /// What is kept of it.
    pub client: Client,
    /// Its secret, where it has one: it is told once.
    secret: Option<Zeroizing<String>>,
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// What ids of registered clients begin with: never a URL, so that none is taken for that of a document, and never that of a
    /// configured client.
    pub const ID_BEGINNING: &'static str = "reg_";

    /// Reads the body of a registration. `client_id` and `client_secret` in it are left alone: the gateway chooses both.
    ///
    /// Errors: each variant of [`MetadataFault`] save `ClientId` and `HoldsSecret`.
    pub fn parse(body: &[u8]) -> Result<Self, MetadataFault> {
        let metadata = Metadata::parse(body)?;
        // RFC 7591 §2: `client_secret_basic` where nothing is said.
        let auth_method = match &metadata.auth_method {
            None => ClientAuthMethod::Basic,
            Some(name) => ClientAuthMethod::parse(name).ok_or(MetadataFault::AuthMethod)?,
        };
        Ok(Self {
            name: metadata.name,
            redirect_uris: metadata.redirect_uris,
            auth_method,
            refreshes: metadata.refreshes,
        })
    }

    /// The client, with an id and, where its method needs one, a secret. Errors: the system has no random bytes.
    pub fn register(self, now_secs: u64) -> Result<Registered, getrandom::Error> {
        let minted = match self.auth_method {
            ClientAuthMethod::None => None,
            ClientAuthMethod::Basic | ClientAuthMethod::Post => Some(mint(SecretKind::Client)?),
        };
        let (secret, hash) = minted.unzip();
        let client = Client {
            id: format!("{}{}", Self::ID_BEGINNING, GrantId::random()?).into(),
            name: self.name.unwrap_or_else(|| NAMELESS.into()),
            origin: ClientOrigin::Registered { at_secs: now_secs },
            redirect_uris: self.redirect_uris,
            auth_method: self.auth_method,
            secret: hash,
            refreshes: self.refreshes,
        };
        Ok(Registered { client, secret })
    }
}

impl Registered {
    /// The answer (RFC 7591 §3.2.1), to be sent with 201 and kept by nobody: what was registered, which may be less than what was
    /// asked for.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let client = &self.client;
        let mut answer = json!({
            "client_id": &*client.id,
            "client_name": &*client.name,
            "redirect_uris": uris(&client.redirect_uris),
            "grant_types": grant_types(client.refreshes),
            "response_types": ["code"],
            "token_endpoint_auth_method": client.auth_method.as_str(),
        });
        if let ClientOrigin::Registered { at_secs } = client.origin {
            answer["client_id_issued_at"] = at_secs.into();
        }
        if let Some(secret) = &self.secret {
            answer["client_secret"] = secret.as_str().into();
            // It ends with the registration, not before (RFC 7591 §3.2.1).
            answer["client_secret_expires_at"] = 0.into();
        }
        answer
    }
}

fn uris(uris: &[RedirectUri]) -> Vec<&str> {
    uris.iter().map(RedirectUri::as_str).collect()
}

const fn grant_types(refreshes: bool) -> &'static [&'static str] {
    if refreshes {
        &["authorization_code", "refresh_token"]
    } else {
        &["authorization_code"]
    }
}
