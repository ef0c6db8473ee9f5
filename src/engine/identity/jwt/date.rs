//! Dates of tokens (NumericDate, RFC 7519 §2).

use crate::engine::limits::TOKEN_DATE_SECS_MAX;

/// A date between two whole seconds, or at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumericDate {
    /// The last whole second that is not after it.
    pub(super) floor_secs: u64,
    /// The first whole second that is not before it.
    pub(super) ceil_secs: u64,
}

impl NumericDate {
    /// The date that `token`, one token of JSON, stands for; `None` where it is no number, has a minus sign, or is later
    /// than [`TOKEN_DATE_SECS_MAX`].
    pub(super) fn parse(token: &str) -> Option<Self> {
        if !token.as_bytes().first()?.is_ascii_digit() {
            return None;
        }
        // Every date up to the bound has an exact whole part in 53 bits.
        let secs: f64 = token.parse().ok()?;
        let is_in_range = secs.is_finite() && secs <= TOKEN_DATE_SECS_MAX as f64;
        is_in_range.then_some(Self {
            floor_secs: secs.floor() as u64,
            ceil_secs: secs.ceil() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::NumericDate;

    #[test]
    fn a_date_is_a_number_within_reason() {
        for (token, expected) in [
            ("0", Some((0, 0))),
            ("1000", Some((1_000, 1_000))),
            ("1000.5", Some((1_000, 1_001))),
            ("1e3", Some((1_000, 1_000))),
            ("1.0", Some((1, 1))),
            ("253402300799", Some((253_402_300_799, 253_402_300_799))),
            ("253402300800", None),
            ("18446744073709551616", None),
            ("1e400", None),
            ("-1", None),
            ("-0", None),
            ("\"1000\"", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("", None),
        ] {
            let found = NumericDate::parse(token).map(|date| (date.floor_secs, date.ceil_secs));
            assert_eq!(found, expected, "{token}");
        }
    }
}
