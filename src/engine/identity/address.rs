//! Address ranges, for proxies that are trusted.

use std::fmt;
use std::net::IpAddr;

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    base: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// Parses `address` or `address/bits`. Errors: neither, or bits set beyond the prefix.
    pub fn parse(text: &str) -> Result<Self, AddressRangeError> {
        let (address, bits) = text
            .split_once('/')
            .map_or((text, None), |(address, bits)| (address, Some(bits)));
        let base: IpAddr = address
            .parse()
            .map_err(|_| AddressRangeError::NotAnAddress)?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => width,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|&bits| bits <= width)
                .ok_or(AddressRangeError::BadPrefix)?,
        };
        let range = Self { base, prefix_bits };
        if range.masked(base) == Some(address_bits(base)) {
            Ok(range)
        } else {
            Err(AddressRangeError::HostBits)
        }
    }

    /// Whether `address` lies in the range. IPv4 addresses mapped into IPv6 count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.masked(address.to_canonical()) == Some(address_bits(self.base))
    }

    /// The bits of `address` under this range's mask, or `None` for the other family.
    fn masked(&self, address: IpAddr) -> Option<u128> {
        let width: u32 = if self.base.is_ipv4() { 32 } else { 128 };
        let host_bits = width - u32::from(self.prefix_bits);
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        (address.is_ipv4() == self.base.is_ipv4()).then(|| address_bits(address) & mask)
    }
}

fn address_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Why a range is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRangeError {
    /// The text before `/` is no IP address.
    NotAnAddress,
    /// The text after `/` is no prefix length of that family.
    BadPrefix,
    /// The address has bits set beyond the prefix, so it is unclear which is meant.
    HostBits,
}

impl fmt::Display for AddressRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAddress => "range begins with no IP address",
            Self::BadPrefix => {
                "prefix length is out of range; accepted are 0 to 32 for IPv4, 0 to 128 for IPv6"
            }
            Self::HostBits => {
                "address has bits set beyond its prefix; write the first address of the range"
            }
        })
    }
}

impl std::error::Error for AddressRangeError {}
