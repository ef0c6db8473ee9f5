//! Grants that were taken back while tokens of them still live.

use rustc_hash::FxHashMap;

use crate::engine::identity::TokenOfGrant;
use crate::engine::limits::REVOKED_GRANTS_MAX;
use crate::engine::oauth::GrantId;

/// Grants whose tokens are refused although their time is not over. Bounded; travels in the [`KeyRing`](super::KeyRing).
///
/// A grant stays until the last token that could have come of it has ended. Where there is no room for another, every token of the
/// gateway's own that was issued until then is refused instead: their clients get new ones, and nobody's revocation is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokedGrants {
    /// When the last token of each ends, in seconds of Unix time.
    ends: FxHashMap<GrantId, u64>,
    /// Tokens from before this second are refused, of whatever grant.
    issued_before_secs: u64,
}

impl RevokedGrants {
    /// Refuses tokens of `grant` from `now_secs` on; the last of them ends at `ends_at_secs`.
    pub fn revoke(&mut self, grant: GrantId, ends_at_secs: u64, now_secs: u64) {
        self.ends.retain(|_, end| now_secs < *end);
        if self.ends.len() >= REVOKED_GRANTS_MAX && !self.ends.contains_key(&grant) {
            self.ends.clear();
            self.issued_before_secs = now_secs.saturating_add(1);
            return;
        }
        let end = self.ends.entry(grant).or_default();
        *end = ends_at_secs.max(*end);
    }

    /// Whether `token` is refused.
    #[must_use]
    pub fn refuse(&self, token: TokenOfGrant) -> bool {
        token.issued_at_secs < self.issued_before_secs || self.ends.contains_key(&token.grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(number: usize) -> GrantId {
        GrantId((number as u128).to_be_bytes())
    }

    fn token(number: usize, issued_at_secs: u64) -> TokenOfGrant {
        TokenOfGrant {
            grant: grant(number),
            issued_at_secs,
        }
    }

    #[test]
    fn a_grant_is_refused_until_its_last_token_has_ended() {
        let mut revoked = RevokedGrants::default();
        revoked.revoke(grant(1), 200, 100);
        revoked.revoke(grant(1), 150, 100);
        assert!(revoked.refuse(token(1, 99)) && !revoked.refuse(token(2, 99)));
        revoked.revoke(grant(2), 300, 199);
        assert!(revoked.refuse(token(1, 99)));
        revoked.revoke(grant(3), 300, 200);
        assert!(!revoked.refuse(token(1, 99)), "it is forgotten");
        assert!(revoked.refuse(token(2, 99)));
    }

    #[test]
    fn a_full_table_refuses_all_that_came_before_and_loses_nothing() {
        let mut revoked = RevokedGrants::default();
        for number in 0..REVOKED_GRANTS_MAX {
            revoked.revoke(grant(number), 1_000, 100);
        }
        assert!(!revoked.refuse(token(usize::MAX, 50)));
        revoked.revoke(grant(REVOKED_GRANTS_MAX), 1_000, 100);
        for number in [0, REVOKED_GRANTS_MAX, usize::MAX] {
            assert!(revoked.refuse(token(number, 100)), "{number}");
            assert!(!revoked.refuse(token(number, 101)), "{number}");
        }
        assert!(revoked.ends.is_empty());
    }
}
