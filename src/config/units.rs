//! Durations, sizes and addresses as people write them.

use std::net::IpAddr;
use std::time::Duration;

/// Units of a duration, in nanoseconds.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SEC),
    ("m", 60 * NANOS_PER_SEC),
    ("h", 3_600 * NANOS_PER_SEC),
    ("d", 86_400 * NANOS_PER_SEC),
    ("w", 604_800 * NANOS_PER_SEC),
];

/// Units of a size, in bytes.
const SIZE_UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// `"100ms"`, `"30s"`, `"90d"`: a whole number and a unit.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    quantity(text, &DURATION_UNITS).map(Duration::from_nanos)
}

/// `"65536"`, `"64KiB"`, `"1MB"`, in bytes.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    quantity(text, &SIZE_UNITS)
}

/// A duration in its largest whole unit.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    show(nanos, &DURATION_UNITS).unwrap_or_else(|| format!("{duration:?}"))
}

/// A size in its largest whole binary unit.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    let binary = [
        ("", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    show(bytes, &binary).unwrap_or_else(|| bytes.to_string())
}

/// `127.0.0.1`, `::1`, `[::1]` or `localhost`.
#[must_use]
pub fn parse_host(text: &str) -> Option<IpAddr> {
    if text == "localhost" {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(text).parse().ok()
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

fn show(quantity: u64, units: &[(&str, u64)]) -> Option<String> {
    let whole = units
        .iter()
        .rev()
        .find(|(_, scale)| quantity.is_multiple_of(*scale) && quantity >= *scale);
    whole.map(|(name, scale)| format!("{}{name}", quantity / scale))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse_duration, parse_host, parse_size, show_duration, show_size};

    #[test]
    fn durations_need_a_number_and_a_known_unit() {
        for (text, expected) in [
            ("100ms", Some(Duration::from_millis(100))),
            ("30s", Some(Duration::from_secs(30))),
            ("30 s", Some(Duration::from_secs(30))),
            ("1h", Some(Duration::from_secs(3600))),
            ("90d", Some(Duration::from_secs(90 * 86_400))),
            ("0s", Some(Duration::ZERO)),
            ("30", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("30 sec", None),
            ("99999999999999w", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_take_binary_and_decimal_units() {
        for (text, expected) in [
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("1MiB", Some(1 << 20)),
            ("1MB", Some(1_000_000)),
            ("2GiB", Some(2 << 30)),
            ("1mb", None),
            ("MiB", None),
            ("99999999999999GiB", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for duration in [
            Duration::from_millis(1500),
            Duration::from_secs(90),
            Duration::from_secs(3600),
        ] {
            assert_eq!(parse_duration(&show_duration(duration)), Some(duration));
        }
        for size in [1, 1000, 1 << 20, 3 << 30] {
            assert_eq!(parse_size(&show_size(size)), Some(size));
        }
    }

    #[test]
    fn hosts_are_addresses_or_localhost() {
        for good in ["127.0.0.1", "::1", "[::1]", "0.0.0.0", "localhost"] {
            assert!(parse_host(good).is_some(), "{good:?}");
        }
        for bad in ["", "example.com", "127.0.0.1:80", "[::1"] {
            assert!(parse_host(bad).is_none(), "{bad:?}");
        }
    }
}
