//! The client behind proxies that are trusted.

use std::net::{IpAddr, SocketAddr};

use super::AddressRange;
use crate::engine::limits::FORWARDED_HOPS_MAX;

/// The address of the client: `peer` itself unless it is one of `trusted`, else the nearest address in X-Forwarded-For that
/// is not.
///
/// `forwarded_for` are the values of the header, in order. They are read from the end, since each proxy appends and only
/// what trusted ones appended can be believed. Reading stops at what is no address, and after [`FORWARDED_HOPS_MAX`]
/// entries; the last trusted hop is then the client. Allocates nothing.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[AddressRange],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer.to_canonical();
    let entries = forwarded_for
        .rev()
        .flat_map(|value| value.rsplit(|&byte| byte == b','));
    for hop in entries.take(FORWARDED_HOPS_MAX).map(parse_hop) {
        match hop {
            Some(address) if is_trusted(client) => client = address,
            _ => break,
        }
    }
    client
}

/// An address, with or without a port.
fn parse_hop(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse()
        .or_else(|_| with_port())
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}
