//! Which key signs, which are published, and when a new one is made. Pure.
//!
//! A new key is published for a while before it signs, so that whoever keeps a copy of the set has it by then; an old one is
//! published until the last token under it has ended.

use crate::config::model::SigningAlgorithm;
use crate::engine::limits::{OAUTH_KEY_AHEAD_SECS, OAUTH_KEY_SECS_MAX, OAUTH_LOGIN_TOKEN_SECS_MAX};

/// How far clocks of verifiers may be behind, in seconds.
const CLOCK_SECS_MAX: u64 = 3_600;

/// What matters of a key here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyAge {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) created_at_secs: u64,
    /// When another key took its place.
    pub(super) retired_at_secs: Option<u64>,
}

/// Whether there has to be a new key for `algorithm`.
pub(super) fn needs_key(keys: &[KeyAge], algorithm: SigningAlgorithm, now_secs: u64) -> bool {
    let newest = of(keys, algorithm)
        .map(|(_, key)| key.created_at_secs)
        .max();
    newest.is_none_or(|created_at| created_at.saturating_add(OAUTH_KEY_SECS_MAX) <= now_secs)
}

/// The place of the key that signs: the newest that has been published for long enough; without one, the oldest.
pub(super) fn signing(
    keys: &[KeyAge],
    algorithm: SigningAlgorithm,
    now_secs: u64,
) -> Option<usize> {
    let is_known =
        |key: &KeyAge| key.created_at_secs.saturating_add(OAUTH_KEY_AHEAD_SECS) <= now_secs;
    let known = of(keys, algorithm).filter(|(_, key)| is_known(key));
    let newest = known.max_by_key(|(_, key)| key.created_at_secs);
    let oldest = || of(keys, algorithm).min_by_key(|(_, key)| key.created_at_secs);
    newest.or_else(oldest).map(|(place, _)| place)
}

/// Whether no token under `key` can be good any more.
pub(super) fn is_over(key: &KeyAge, now_secs: u64) -> bool {
    key.retired_at_secs.is_some_and(|retired_at| {
        let last_token_ends = retired_at.saturating_add(OAUTH_LOGIN_TOKEN_SECS_MAX);
        last_token_ends.saturating_add(CLOCK_SECS_MAX) <= now_secs
    })
}

fn of(keys: &[KeyAge], algorithm: SigningAlgorithm) -> impl Iterator<Item = (usize, &KeyAge)> {
    let all = keys.iter().enumerate();
    all.filter(move |(_, key)| key.algorithm == algorithm)
}

#[cfg(test)]
mod tests {
    use super::{CLOCK_SECS_MAX, KeyAge, is_over, needs_key, signing};
    use crate::config::model::SigningAlgorithm::{self, EdDsa, Es256};
    use crate::engine::limits::{
        OAUTH_KEY_AHEAD_SECS as AHEAD, OAUTH_KEY_SECS_MAX as LIFE,
        OAUTH_LOGIN_TOKEN_SECS_MAX as TOKEN,
    };

    fn key(algorithm: SigningAlgorithm, created_at_secs: u64) -> KeyAge {
        KeyAge {
            algorithm,
            created_at_secs,
            retired_at_secs: None,
        }
    }

    #[test]
    fn a_key_is_made_where_there_is_none_for_the_algorithm_or_it_is_old() {
        let one = [key(Es256, 100)];
        for (case, keys, algorithm, now, needs) in [
            ("none at all", &[][..], Es256, 100, true),
            ("new", &one, Es256, 100, false),
            ("old", &one, Es256, 100 + LIFE - 1, false),
            ("too old", &one, Es256, 100 + LIFE, true),
            ("other algorithm", &one, EdDsa, 100, true),
            ("clock went back", &one, Es256, 0, false),
        ] {
            assert_eq!(needs_key(keys, algorithm, now), needs, "{case}");
        }
    }

    #[test]
    fn a_new_key_signs_once_it_was_published_for_long_enough() {
        let alone = [key(Es256, 100)];
        let both = [key(Es256, 100), key(Es256, 100 + LIFE)];
        let mixed = [key(Es256, 100), key(EdDsa, 100 + LIFE)];
        let end = 100 + LIFE;
        for (case, keys, algorithm, now, place) in [
            ("the first at once", &alone[..], Es256, 100, Some(0)),
            ("the next not yet", &both, Es256, end + AHEAD - 1, Some(0)),
            ("the next", &both, Es256, end + AHEAD, Some(1)),
            (
                "of its algorithm alone",
                &mixed,
                Es256,
                end + AHEAD,
                Some(0),
            ),
            ("another at once", &mixed, EdDsa, end, Some(1)),
            ("none", &alone, EdDsa, 100, None),
        ] {
            assert_eq!(signing(keys, algorithm, now), place, "{case}");
        }
    }

    #[test]
    fn a_key_is_published_until_the_last_token_under_it_has_ended() {
        let signs = key(Es256, 100);
        let retired = KeyAge {
            retired_at_secs: Some(500),
            ..signs
        };
        let end = 500 + TOKEN + CLOCK_SECS_MAX;
        assert!(!is_over(&signs, u64::MAX));
        assert!(!is_over(&retired, end - 1));
        assert!(is_over(&retired, end));
    }
}
