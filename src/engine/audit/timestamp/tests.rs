#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn written(unix_us: u64) -> String {
    let mut out = Vec::new();
    write_timestamp(unix_us, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn known_moments_are_written_as_rfc_3339() {
    let rows = [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_827_696_000_001, "2000-02-29T12:34:56.000001Z"),
        (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
        (1_709_251_200_000_000, "2024-03-01T00:00:00.000000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (LAST_US, "9999-12-31T23:59:59.999999Z"),
        (u64::MAX, "9999-12-31T23:59:59.999999Z"),
    ];
    for (unix_us, expected) in rows {
        assert_eq!(written(unix_us), expected);
    }
}

#[test]
fn every_day_of_four_centuries_agrees_with_a_calendar_library() {
    for day in 0..146_097_i64 {
        let moment =
            jiff::Timestamp::from_microsecond(day * 86_400_000_000 + 43_200_000_007).unwrap();
        assert_eq!(
            written(moment.as_microsecond() as u64),
            format!("{moment:.6}")
        );
    }
}
