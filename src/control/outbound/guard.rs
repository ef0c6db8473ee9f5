//! Which addresses are connected to.
//!
//! A host that the operator named may be in a private network; what no host of that kind has is refused, since a name that
//! leads there was made to (DNS rebinding, server-side request forgery). A host that a stranger named must be on the public
//! internet. Judged are the addresses that are connected to, after the look-up, so no spelling of an address (decimal, octal,
//! a name) gets around it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a request may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Policy {
    /// The operator named the host: private networks are fine over TLS, loopback also without.
    OperatorNamed,
    /// A stranger named it: TLS, and addresses that are globally reachable unicast alone (RFC 6890 and its registries).
    PublicOnly,
}

/// Why an address is not fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Forbidden {
    /// Link-local: metadata services of clouds, among others.
    LinkLocal(IpAddr),
    /// The metadata service of a cloud, at an address of another kind.
    Metadata(IpAddr),
    /// Unspecified, multicast or broadcast: no host.
    NoHost(IpAddr),
    /// `http` to an address that is not loopback.
    PlainText(IpAddr),
    /// Not globally reachable: private, reserved, or inside a tunnel.
    NotPublic(IpAddr),
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkLocal(address) => {
                write!(f, "{address} is link-local; nothing is fetched from there")
            }
            Self::Metadata(address) => write!(
                f,
                "{address} is a metadata service; nothing is fetched from there"
            ),
            Self::NoHost(address) => write!(f, "{address} is the address of no host"),
            Self::PlainText(address) => {
                write!(
                    f,
                    "{address} is not loopback; use https for what comes over a network"
                )
            }
            Self::NotPublic(address) => write!(f, "{address} is not on the public internet"),
        }
    }
}

/// Metadata services outside of the link-local ranges: Alibaba and others, AWS over IPv6, Azure's platform address.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether `addresses` may be connected to under `policy`, over TLS or not. Errors: the first that is refused; then none is
/// used, for a name that leads to one of them is not to be trusted with the others.
pub(super) fn judge(
    addresses: &[SocketAddr],
    is_secure: bool,
    policy: Policy,
) -> Result<(), Forbidden> {
    addresses
        .iter()
        .map(SocketAddr::ip)
        .try_for_each(|address| {
            judge_one(address, is_secure)?;
            match policy {
                Policy::OperatorNamed => Ok(()),
                Policy::PublicOnly if !is_secure => Err(Forbidden::PlainText(address)),
                Policy::PublicOnly if is_public(address) => Ok(()),
                Policy::PublicOnly => Err(Forbidden::NotPublic(address)),
            }
        })
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

/// Whether `address` is globally reachable unicast. Of IPv6 that is 2000::/3 alone, less what tunnels to IPv4 or is set aside in
/// it; and NAT64's well-known prefix, by which a network without IPv4 reaches public addresses of it.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
                matches!(embedded(address), IpAddr::V4(v4) if is_public_v4(v4))
            }
            // IETF protocol assignments, Teredo, benchmarking and ORCHID among them (RFC 2928), and documentation.
            [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
            // 6to4 (RFC 7526 ended it), and documentation (RFC 9637).
            [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

/// What the registry of special-purpose IPv4 addresses does not set aside.
fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        // This network, private use, loopback, multicast and reserved.
        [0 | 10 | 127 | 224.., ..]
            // Shared between carriers and customers (RFC 6598).
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            // IETF protocol assignments, documentation, and relays of 6to4.
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            // Benchmarking.
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::net::{IpAddr, SocketAddr};

    use super::{Forbidden, Policy, judge};

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
            assert_eq!(
                judge(&addresses(&[good]), true, Policy::OperatorNamed),
                Ok(()),
                "{good}"
            );
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
            "fd20:ce::254",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            assert!(
                judge(&addresses(&[bad]), true, Policy::OperatorNamed).is_err(),
                "{bad}"
            );
            assert!(
                judge(&addresses(&["192.0.2.1", bad]), true, Policy::OperatorNamed).is_err(),
                "{bad} among others"
            );
        }
    }

    #[test]
    fn plain_text_stays_within_the_machine() {
        for good in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(
                judge(&addresses(&[good]), false, Policy::OperatorNamed),
                Ok(()),
                "{good}"
            );
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
                    judge(&addresses(&[bad]), false, Policy::OperatorNamed),
                    Err(Forbidden::PlainText(_))
                ),
                "{bad}"
            );
            assert!(
                judge(
                    &addresses(&["127.0.0.1", bad]),
                    false,
                    Policy::OperatorNamed
                )
                .is_err(),
                "{bad} beside loopback"
            );
        }
    }

    #[test]
    fn a_stranger_leads_to_the_public_internet_alone() {
        let is_taken = |texts: &[&str]| judge(&addresses(texts), true, Policy::PublicOnly).is_ok();
        for good in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "3ffe::1",
            "3fff:1000::1",
            // Public addresses of IPv4, mapped and behind NAT64.
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_taken(&[good]), "{good}");
            assert!(
                judge(&addresses(&[good]), false, Policy::PublicOnly).is_err(),
                "{good} without TLS"
            );
        }
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::10.0.0.1",
            "::1.1.1.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:192.168.1.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::10.0.0.1",
            "64:ff9b:1::1.1.1.1",
            "100::1",
            "2001::1",
            "2001:0:53aa:64c::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:0a00:0001::1",
            "2002:7f00:1::1",
            "2002:0101:0101::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_taken(&[bad]), "{bad}");
            assert!(!is_taken(&["1.1.1.1", bad]), "{bad} among others");
        }
    }
}
