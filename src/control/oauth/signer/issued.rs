//! Reads a token of our own again, where a client wants it to end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Keys;
use crate::engine::oauth::GrantId;

/// What a token of the gateway's own came of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct Issued {
    /// `gid`.
    pub(in crate::control) grant: GrantId,
    /// `client_id`.
    pub(in crate::control) client_id: Box<str>,
    /// `sub`.
    pub(in crate::control) user: Box<str>,
}

impl Keys {
    /// What `token` came of, where one of these keys signed it; its time may be over.
    pub(super) fn issued(&self, token: &str) -> Option<Issued> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header = json(header)?;
        let kid = header.get("kid")?.as_str()?;
        let key = self.all.iter().find(|key| *key.id == *kid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !key.has_signed(message.as_bytes(), &signature) {
            return None;
        }
        // From here on it is what we wrote ourselves.
        let claims = json(payload)?;
        let text = |name: &str| claims.get(name)?.as_str();
        let grant = u128::from_str_radix(text("gid")?, 16).ok()?;
        Some(Issued {
            grant: GrantId(grant.to_be_bytes()),
            client_id: text("client_id")?.into(),
            user: text("sub")?.into(),
        })
    }
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
