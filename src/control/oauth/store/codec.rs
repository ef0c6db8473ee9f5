//! Records as they are written: JSON, which a person can read when something went wrong, with bytes in base64url.

use serde_json::{Value, json};

use super::record::{Record, encoded, written};
use super::{StoreError, StoredKey};
use crate::engine::oauth::{
    Challenge, Client, ClientAuthMethod, ClientOrigin, Code, Consent, Grant, GrantId, RedirectUri,
    SecretHash, User,
};

/// A registered client, and how it is used.
pub(super) struct ClientRecord {
    pub(super) client: Client,
    /// When somebody last allowed it something.
    pub(super) used_at_secs: Option<u64>,
    /// Under which second it is due.
    pub(super) due_secs: u64,
}

/// What one user allowed one client.
pub(super) struct ConsentRecord {
    pub(super) consents: Vec<Consent>,
    pub(super) due_secs: u64,
}

/// What a code stands for.
pub(super) enum CodeRecord {
    /// A grant that is still to begin.
    Waiting(Box<Code>),
    /// The grant that came of it; kept so that a second use shows.
    Taken { grant: GrantId, until_secs: u64 },
}

/// A grant, and where its refresh tokens stand.
pub(super) struct GrantRecord {
    pub(super) grant: Grant,
    /// Place of the refresh token that is good, where the grant has any.
    pub(super) place: Option<u32>,
    /// First second at which nothing more comes of it.
    pub(super) until_secs: u64,
    pub(super) vouched_at_secs: u64,
    pub(super) due_secs: u64,
}

impl ClientRecord {
    pub(super) fn write(&self) -> Vec<u8> {
        let Client {
            id,
            name,
            origin,
            redirect_uris,
            auth_method,
            secret,
            refreshes,
        } = &self.client;
        let registered_at = match origin {
            ClientOrigin::Registered { at_secs } => *at_secs,
            ClientOrigin::Configured | ClientOrigin::Document => 0,
        };
        let uris: Vec<_> = redirect_uris.iter().map(RedirectUri::as_str).collect();
        written(&json!({
            "id": id, "name": name, "registered_at": registered_at, "redirect_uris": uris, "method": auth_method.as_str(),
            "secret": secret.map(|hash| encoded(hash.as_bytes())), "refreshes": refreshes, "used_at": self.used_at_secs, "due": self.due_secs,
        }))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let record = Record::read("clients", bytes)?;
        let uris = record.texts("redirect_uris")?;
        let uri = |text: Box<str>| RedirectUri::parse(&text).map_err(|_| record.damaged());
        let auth_method = ClientAuthMethod::parse(record.text("method")?);
        let client = Client {
            id: record.text("id")?.into(),
            name: record.text("name")?.into(),
            origin: ClientOrigin::Registered {
                at_secs: record.number("registered_at")?,
            },
            redirect_uris: uris.into_iter().map(uri).collect::<Result<_, _>>()?,
            auth_method: auth_method.ok_or_else(|| record.damaged())?,
            secret: record.maybe_fixed("secret")?.map(SecretHash::from_bytes),
            refreshes: record.flag("refreshes")?,
        };
        Ok(Self {
            client,
            used_at_secs: record.maybe_number("used_at")?,
            due_secs: record.number("due")?,
        })
    }
}

impl ConsentRecord {
    pub(super) fn write(&self) -> Vec<u8> {
        let consents = self.consents.iter().map(|consent| {
            json!({
                "redirect_uri": consent.redirect_uri, "audience": consent.audience, "scopes": consent.scopes,
                "given_at": consent.given_at_secs,
            })
        });
        written(&json!({"consents": consents.collect::<Vec<_>>(), "due": self.due_secs}))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let record = Record::read("consents", bytes)?;
        let consents = record.array("consents")?.iter().map(|value| {
            let consent = Record::of("consents", value)?;
            Ok(Consent {
                redirect_uri: consent.text("redirect_uri")?.into(),
                audience: consent.text("audience")?.into(),
                scopes: consent.texts("scopes")?,
                given_at_secs: consent.number("given_at")?,
            })
        });
        Ok(Self {
            consents: consents.collect::<Result<_, StoreError>>()?,
            due_secs: record.number("due")?,
        })
    }
}

impl CodeRecord {
    pub(super) fn write(&self) -> Vec<u8> {
        written(&match self {
            Self::Waiting(code) => json!({
                "grant": grant_value(&code.grant), "redirect_uri": code.redirect_uri,
                "challenge": encoded(code.challenge.as_bytes()), "expires_at": code.expires_at_secs,
            }),
            Self::Taken { grant, until_secs } => {
                json!({"taken": encoded(&grant.0), "until": until_secs})
            }
        })
    }

    pub(super) fn read(hash: SecretHash, bytes: &[u8]) -> Result<Self, StoreError> {
        let record = Record::read("codes", bytes)?;
        if let Some(grant) = record.maybe_fixed("taken")? {
            return Ok(Self::Taken {
                grant: GrantId(grant),
                until_secs: record.number("until")?,
            });
        }
        Ok(Self::Waiting(Box::new(Code {
            hash,
            grant: read_grant(&record.object("grant")?)?,
            redirect_uri: record.text("redirect_uri")?.into(),
            challenge: Challenge::from_bytes(record.fixed("challenge")?),
            expires_at_secs: record.number("expires_at")?,
        })))
    }
}

impl GrantRecord {
    pub(super) fn write(&self) -> Vec<u8> {
        written(&json!({
            "grant": grant_value(&self.grant), "place": self.place, "until": self.until_secs,
            "vouched_at": self.vouched_at_secs, "due": self.due_secs,
        }))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let record = Record::read("grants", bytes)?;
        let place = record.maybe_number("place")?.map(u32::try_from).transpose();
        Ok(Self {
            grant: read_grant(&record.object("grant")?)?,
            place: place.map_err(|_| record.damaged())?,
            until_secs: record.number("until")?,
            vouched_at_secs: record.number("vouched_at")?,
            due_secs: record.number("due")?,
        })
    }
}

/// Writes a signing key.
pub(super) fn write_key(key: &StoredKey) -> Vec<u8> {
    written(&json!({
        "id": key.id, "algorithm": key.algorithm, "sealed": encoded(&key.sealed), "created_at": key.created_at_secs,
        "retired_at": key.retired_at_secs,
    }))
}

/// Reads a signing key.
pub(super) fn read_key(bytes: &[u8]) -> Result<StoredKey, StoreError> {
    let record = Record::read("keys", bytes)?;
    Ok(StoredKey {
        id: record.text("id")?.into(),
        algorithm: record.text("algorithm")?.into(),
        sealed: record
            .maybe_bytes("sealed")?
            .ok_or_else(|| record.damaged())?,
        created_at_secs: record.number("created_at")?,
        retired_at_secs: record.maybe_number("retired_at")?,
    })
}

fn grant_value(grant: &Grant) -> Value {
    json!({
        "id": encoded(&grant.id.0),
        "user": {"id": grant.user.id, "name": grant.user.name, "email": grant.user.email},
        "client": grant.client_id, "audience": grant.audience, "scopes": grant.scopes,
        "created_at": grant.created_at_secs, "expires_at": grant.expires_at_secs,
        "tokens": grant.provider_tokens.as_deref().map(encoded),
    })
}

fn read_grant(record: &Record<'_>) -> Result<Grant, StoreError> {
    let user = record.object("user")?;
    Ok(Grant {
        id: GrantId(record.fixed("id")?),
        user: User {
            id: user.text("id")?.into(),
            name: user.maybe_text("name")?.map(Into::into),
            email: user.maybe_text("email")?.map(Into::into),
        },
        client_id: record.text("client")?.into(),
        audience: record.text("audience")?.into(),
        scopes: record.texts("scopes")?,
        created_at_secs: record.number("created_at")?,
        expires_at_secs: record.number("expires_at")?,
        provider_tokens: record.maybe_bytes("tokens")?,
    })
}
