//! Which addresses keys are fetched from.
//!
//! The operator named the host, so private networks are fine; what no identity provider has is refused, since a name that
//! leads there was made to (DNS rebinding, server-side request forgery). Judged are the addresses that are connected to, after
//! the look-up, so no spelling of an address (decimal, octal, a name) gets around it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why an address is not fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// Link-local: metadata services of clouds, among others.
    LinkLocal(IpAddr),
    /// The metadata service of a cloud, at an address of another kind.
    Metadata(IpAddr),
    /// Unspecified, multicast or broadcast: no host.
    NoHost(IpAddr),
    /// `http` to an address that is not loopback.
    PlainText(IpAddr),
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkLocal(address) => write!(
                f,
                "{address} is link-local; keys are never fetched from there"
            ),
            Self::Metadata(address) => write!(
                f,
                "{address} is a metadata service; keys are never fetched from there"
            ),
            Self::NoHost(address) => write!(f, "{address} is the address of no host"),
            Self::PlainText(address) => {
                write!(
                    f,
                    "{address} is not loopback; use https for keys that come over a network"
                )
            }
        }
    }
}

/// Metadata services outside of the link-local ranges: Alibaba and others, AWS over IPv6, Azure's platform address.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether keys may be fetched from `addresses`, over TLS or not. Errors: the first that is refused; then none is used, for a
/// name that leads to one of them is not to be trusted with the others.
pub(super) fn judge(addresses: &[SocketAddr], is_secure: bool) -> Result<(), Forbidden> {
    addresses
        .iter()
        .try_for_each(|address| judge_one(address.ip(), is_secure))
}

fn judge_one(address: IpAddr, is_secure: bool) -> Result<(), Forbidden> {
    let real = embedded(address);
    if METADATA.contains(&real) {
        return Err(Forbidden::Metadata(address));
    }
    let (is_link_local, is_no_host) = match real {
        IpAddr::V4(v4) => (
            v4.is_link_local(),
            v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        ),
        IpAddr::V6(v6) => (
            v6.is_unicast_link_local(),
            v6.is_unspecified() || v6.is_multicast(),
        ),
    };
    if is_link_local {
        return Err(Forbidden::LinkLocal(address));
    }
    if is_no_host {
        return Err(Forbidden::NoHost(address));
    }
    if !is_secure && !address.to_canonical().is_loopback() {
        return Err(Forbidden::PlainText(address));
    }
    Ok(())
}

/// The IPv4 address inside an IPv6 address that stands for one: mapped, compatible, NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056 §2).
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return address.to_canonical();
    };
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        // Not the unspecified and the loopback address, which have the same form.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 1, _, _, _, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => IpAddr::V6(v6),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::net::{IpAddr, SocketAddr};

    use super::{Forbidden, judge};

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let address = |text: &&str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 443);
        texts.iter().map(address).collect()
    }

    #[test]
    fn keys_come_from_hosts_that_may_have_them() {
        for good in [
            "192.0.2.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "fd00::1",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::c000:201",
        ] {
            assert_eq!(judge(&addresses(&[good]), true), Ok(()), "{good}");
        }
    }

    #[test]
    fn no_spelling_of_a_metadata_address_is_fetched_from() {
        for bad in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(judge(&addresses(&[bad]), true).is_err(), "{bad}");
            assert!(
                judge(&addresses(&["192.0.2.1", bad]), true).is_err(),
                "{bad} among others"
            );
        }
    }

    #[test]
    fn plain_text_stays_within_the_machine() {
        for good in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(judge(&addresses(&[good]), false), Ok(()), "{good}");
        }
        for bad in [
            "192.0.2.1",
            "10.0.0.1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            assert!(
                matches!(
                    judge(&addresses(&[bad]), false),
                    Err(Forbidden::PlainText(_))
                ),
                "{bad}"
            );
            assert!(
                judge(&addresses(&["127.0.0.1", bad]), false).is_err(),
                "{bad} beside loopback"
            );
        }
    }
}
