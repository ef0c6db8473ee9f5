//! RFC 3339 without allocation.

const DAY_SECS: u64 = 86_400;
const SECOND_US: u64 = 1_000_000;

/// Last microsecond that has four digits of year.
const LAST_US: u64 = 253_402_300_799_999_999;

/// Length of a timestamp, in bytes.
pub(super) const TIMESTAMP_BYTES: usize = "2026-01-01T00:00:00.000000Z".len();

/// Appends `unix_us`, microseconds of Unix time, as `2026-07-28T09:30:00.000001Z`. Times after the year 9999 count as its end.
pub fn write_timestamp(unix_us: u64, out: &mut Vec<u8>) {
    let unix_us = unix_us.min(LAST_US);
    let (secs, micros) = (unix_us / SECOND_US, unix_us % SECOND_US);
    let (year, month, day) = civil(secs / DAY_SECS);
    let of_day = secs % DAY_SECS;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    write_digits(year, &mut text[0..4]);
    write_digits(month, &mut text[5..7]);
    write_digits(day, &mut text[8..10]);
    write_digits(of_day / 3_600, &mut text[11..13]);
    write_digits(of_day / 60 % 60, &mut text[14..16]);
    write_digits(of_day % 60, &mut text[17..19]);
    write_digits(micros, &mut text[20..26]);
    out.extend_from_slice(&text);
}

fn write_digits(value: u64, digits: &mut [u8]) {
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Year, month and day of the day `days` after 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from 1 March, so that the leap day is the last of its year: the algorithm `civil_from_days` of
/// Howard Hinnant, for days that are not negative.
fn civil(days: u64) -> (u64, u64, u64) {
    const ERA_DAYS: u64 = 146_097;
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / ERA_DAYS, shifted % ERA_DAYS);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
#[path = "timestamp/tests.rs"]
mod tests;
