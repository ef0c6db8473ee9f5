//! Why a client gets nothing: what it is told, and what the record says beside.

use crate::control::oauth::directory::ClientFault;
use crate::control::oauth::reply;
use crate::control::oauth::store::StoreError;
use crate::engine::oauth::{ClientCredentials, OAuthCode, OAuthFault};
use crate::mailbox::OAuthReply;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refused {
    fault: OAuthFault,
    /// For operators, beside what the client is told.
    why: Option<String>,
    /// Which client asked, as far as is known.
    client: Option<Box<str>>,
    /// Whose grant it was about.
    identity: Option<Box<str>>,
}

impl From<OAuthFault> for Refused {
    fn from(fault: OAuthFault) -> Self {
        Self {
            fault,
            why: None,
            client: None,
            identity: None,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let fault = match &error {
            StoreError::Full(_) => OAuthFault::new(
                OAuthCode::TemporarilyUnavailable,
                "there is no room; try later",
            ),
            StoreError::Ended => OAuthFault::new(OAuthCode::InvalidGrant, "grant was revoked"),
            StoreError::Broken(_) => {
                tracing::error!(%error, "the OAuth store cannot be used");
                OAuthFault::new(OAuthCode::ServerError, "nothing can be kept at the moment")
            }
        };
        Self::from(fault).because(error.to_string())
    }
}

impl From<ClientFault> for Refused {
    fn from(fault: ClientFault) -> Self {
        let told = match &fault {
            ClientFault::Unknown => ClientCredentials::refused(),
            // It was good when its user agreed; whoever holds a grant of it should not forget who they are for this.
            ClientFault::Document(_) => OAuthFault::new(
                OAuthCode::TemporarilyUnavailable,
                "the metadata document of the client cannot be used at the moment",
            ),
            ClientFault::Unavailable => OAuthFault::new(
                OAuthCode::TemporarilyUnavailable,
                "clients cannot be looked up at the moment",
            ),
        };
        Self::from(told).because(fault.to_string())
    }
}

impl Refused {
    /// The same, with `why` for operators.
    pub(super) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// The same, about `client`.
    pub(super) fn of_client(mut self, client: &str) -> Self {
        self.client = Some(client.into());
        self
    }

    /// The same, about a grant of `identity`.
    pub(super) fn of_user(mut self, identity: Box<str>) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The answer. `is_basic`: the client tried the Authorization header (RFC 6749 §5.2).
    pub(super) fn into_reply(self, is_basic: bool) -> OAuthReply {
        let mut reply = reply::refusal(self.fault);
        let mut words = Vec::new();
        words.extend(self.client.map(|client| format!("client {client}")));
        words.push(self.fault.to_string());
        words.extend(self.why);
        reply.told.message = Some(words.join(": ").into());
        reply.told.identity = self.identity;
        if is_basic && self.fault.code == OAuthCode::InvalidClient {
            let challenge = "Basic realm=\"oauth\"".to_owned();
            reply.fields.push(("WWW-Authenticate", challenge));
        }
        reply
    }
}
