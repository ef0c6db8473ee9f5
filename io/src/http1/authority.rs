//! Whether bytes name a host, as Host and the authority of a target must.

use std::net::Ipv6Addr;

use super::grammar::{self, HOST};

const HOST_BYTES_MAX: usize = 255;
const PORT_DIGITS_MAX: usize = 5;

/// Whether `bytes` is a host name, IPv4 or bracketed IPv6 address with an optional port in decimal.
///
/// Narrower than `uri-host [ ":" port ]` of RFC 9110 §7.2: no escapes, no sub-delimiters, no empty port, no user information.
/// Those name no host that a listener has, and readers differ about them.
pub(super) fn is_authority(bytes: &[u8]) -> bool {
    match bytes.strip_prefix(b"[") {
        Some(rest) => is_address_and_port(rest),
        None => is_name_and_port(bytes),
    }
}

fn is_address_and_port(bytes: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b']', bytes) else {
        return false;
    };
    let address = str::from_utf8(&bytes[..end]).map(str::parse::<Ipv6Addr>);
    matches!(address, Ok(Ok(_))) && is_port_or_nothing(&bytes[end + 1..])
}

fn is_name_and_port(bytes: &[u8]) -> bool {
    let end = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
    let (name, port) = bytes.split_at(end);
    (1..=HOST_BYTES_MAX).contains(&name.len())
        && grammar::all(name, HOST)
        && is_port_or_nothing(port)
}

fn is_port_or_nothing(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [b':', digits @ ..] => is_port(digits),
        _ => false,
    }
}

fn is_port(digits: &[u8]) -> bool {
    let short = (1..=PORT_DIGITS_MAX).contains(&digits.len());
    short && digits.iter().all(u8::is_ascii_digit) && decimal(digits) <= u32::from(u16::MAX)
}

fn decimal(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::is_authority;

    #[test]
    fn names_and_addresses_with_optional_port_are_hosts() {
        for host in [
            "a",
            "example.com",
            "my_service:8080",
            "127.0.0.1:0",
            "localhost:65535",
            "[::1]",
            "[::ffff:10.0.0.1]:443",
            &"a".repeat(255),
        ] {
            assert!(is_authority(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_readers_differ_about_is_no_host() {
        for host in [
            "",
            ":80",
            "a:",
            "a:65536",
            "a:000080",
            "a:+80",
            "a:8 0",
            "a b",
            "a,b",
            "user@a",
            "a@b:80",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a%2eb",
            "a;b",
            "::1",
            "[::1",
            "[::1]80",
            "[::1]:",
            "[::1%25eth0]",
            "[v1.a]",
            "[]",
            "[a]",
            "h\u{e9}",
            &"a".repeat(256),
        ] {
            assert!(!is_authority(host.as_bytes()), "{host}");
        }
    }
}
