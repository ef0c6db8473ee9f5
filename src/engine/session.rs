//! Sessions of revisions up to 2025-11-25: the id that a client holds is the gateway's, sealed for its owner and its server.
//!
//! The upstream's own id lies inside, so any worker, and any replica with the same key, finds the way back without shared
//! state. **Invariant:** an id opens for the identity and the server that it was sealed for, and for nobody else
//! (2025-11-25 Security Best Practices, Session Hijacking).

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::identity::Provider;
use super::mcp::limits::SESSION_ID_BYTES_MAX;
use super::seal::{Purpose, SealError, Sealer};

/// Who a session belongs to: a digest of provider and identity, so that a refreshed token keeps its sessions and equal names
/// of two providers do not share them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// The owner that `identity`, unique within `provider`, is.
    #[must_use]
    pub fn new(provider: Provider, identity: &str) -> Self {
        Self::of_label(provider.as_str(), identity)
    }

    /// The gateway itself: what it holds for everybody, such as a shared child.
    #[must_use]
    pub fn gateway() -> Self {
        Self::of_label("gateway", "")
    }

    fn of_label(label: &str, identity: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"mcp-guard owner 1\0");
        digest.update(label);
        digest.update(b"\0");
        digest.update(identity);
        let mut owner = [0; 16];
        owner.copy_from_slice(&digest.finalize()[..16]);
        Self(owner)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote; `None` for anything else.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let is_hex = digits.len() == 32
            && digits
                .iter()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let text = str::from_utf8(digits).ok().filter(|_| is_hex)?;
        u128::from_str_radix(text, 16)
            .ok()
            .map(|value| Self(value.to_be_bytes()))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({})", &self.to_hex()[..8])
    }
}

/// Who holds the session behind an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Holder {
    /// The upstream: the gateway only seals its id.
    Upstream = 1,
    /// The gateway: the server is a child, speaks HTTP+SSE, or is of another era.
    Bridge = 2,
    /// The gateway, for a client that speaks HTTP+SSE.
    BridgeSse = 3,
}

impl Holder {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Upstream),
            2 => Some(Self::Bridge),
            3 => Some(Self::BridgeSse),
            _ => None,
        }
    }
}

/// A session id, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who holds it.
    pub holder: Holder,
    /// The holder's own id: visible ASCII.
    pub id: Box<[u8]>,
}

/// Longest id of an upstream that can be sealed: the sealed one must be accepted when it comes back.
pub const UPSTREAM_SESSION_ID_BYTES_MAX: usize = SESSION_ID_BYTES_MAX * 3 / 4 - 64;

impl Session {
    /// Seals this session for `owner` at `server` until `expires_at_secs`. `None`: the id is no visible ASCII or too long, or
    /// the system has no random bytes.
    #[must_use]
    pub fn seal(
        &self,
        sealer: &Sealer,
        owner: Owner,
        server: &str,
        expires_at_secs: u64,
    ) -> Option<String> {
        let is_sound = (1..=UPSTREAM_SESSION_ID_BYTES_MAX).contains(&self.id.len())
            && self.id.iter().all(u8::is_ascii_graphic);
        let content = [&[self.holder as u8][..], &self.id].concat();
        let context: [&[u8]; 2] = [owner.as_bytes(), server.as_bytes()];
        is_sound
            .then(|| sealer.seal(Purpose::Session, &context, expires_at_secs, &content))?
            .ok()
    }

    /// Opens `sealed` for `owner` at `server`. Errors: it was sealed for somebody or something else, altered, or ran out.
    pub fn open(
        sealer: &Sealer,
        owner: Owner,
        server: &str,
        now_secs: u64,
        sealed: &[u8],
    ) -> Result<Self, SealError> {
        let context: [&[u8]; 2] = [owner.as_bytes(), server.as_bytes()];
        let content = sealer.open(Purpose::Session, &context, now_secs, sealed)?;
        let (holder, id) = content.split_first().ok_or(SealError::Malformed)?;
        let holder = Holder::from_byte(*holder).ok_or(SealError::Malformed)?;
        Ok(Self {
            holder,
            id: id.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Holder, Owner, Session, UPSTREAM_SESSION_ID_BYTES_MAX};
    use crate::engine::mcp::limits::SESSION_ID_BYTES_MAX;
    use crate::engine::seal::{SealError, Sealer};

    fn owner(digit: char) -> Owner {
        Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
    }

    #[test]
    fn a_session_opens_for_its_owner_and_server_alone() {
        let sealer = Sealer::random().unwrap();
        let session = Session {
            holder: Holder::Bridge,
            id: b"abc".as_slice().into(),
        };
        let sealed = session.seal(&sealer, owner('a'), "github", 100).unwrap();
        let open =
            |owner, server, now| Session::open(&sealer, owner, server, now, sealed.as_bytes());
        assert_eq!(open(owner('a'), "github", 99), Ok(session));
        assert_eq!(open(owner('b'), "github", 99), Err(SealError::Foreign));
        assert_eq!(open(owner('a'), "gitlab", 99), Err(SealError::Foreign));
        assert_eq!(open(owner('a'), "github", 100), Err(SealError::Expired));
    }

    #[test]
    fn an_id_that_could_not_come_back_is_not_sealed() {
        let sealer = Sealer::random().unwrap();
        let seal = |id: &[u8]| {
            let session = Session {
                holder: Holder::Upstream,
                id: id.into(),
            };
            session.seal(&sealer, owner('a'), "github", 100)
        };
        let longest = seal(&vec![b'x'; UPSTREAM_SESSION_ID_BYTES_MAX]).unwrap();
        assert!(longest.len() <= SESSION_ID_BYTES_MAX, "{}", longest.len());
        for bad in [
            &b""[..],
            b"a b",
            b"\x7f",
            &vec![b'x'; UPSTREAM_SESSION_ID_BYTES_MAX + 1],
        ] {
            assert_eq!(seal(bad), None, "{}", bad.len());
        }
    }

    #[test]
    fn owners_read_back_from_hexadecimal() {
        let owner = owner('c');
        assert_eq!(Owner::from_hex(owner.to_hex().as_bytes()), Some(owner));
        for bad in [
            "",
            "0",
            "+1111111111111111111111111111111",
            &"G".repeat(32),
            &"0".repeat(33),
        ] {
            assert_eq!(Owner::from_hex(bad.as_bytes()), None, "{bad}");
        }
    }
}
