//! Both sides in memory: any cut of the bytes, and what is held meanwhile.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use rustls::SupportedProtocolVersion;

use super::*;
use crate::tls::{
    ClientAuth, ServerName,
    testing::{Authority, VERSIONS, client, server},
};

struct Sides {
    client: Records,
    server: Records,
}

impl Sides {
    /// Both after their handshake, in which `step` bytes went over at a time; what the server says last is still to be
    /// carried over. It sends records of `fragment` bytes.
    fn met(version: &'static SupportedProtocolVersion, step: usize, fragment: usize) -> Self {
        let mut sides = Self::new(version, fragment);
        for _ in 0..200_000 {
            sides.client.work_off(None);
            sides.server.work_off(None);
            carry(&mut sides.client, &mut sides.server, step);
            let is_done = !sides.client.common().is_handshaking()
                && !sides.server.common().is_handshaking()
                && sides.client.outgoing().is_empty();
            if is_done {
                return sides;
            }
            carry(&mut sides.server, &mut sides.client, step);
        }
        panic!("no end of it");
    }

    fn new(version: &'static SupportedProtocolVersion, fragment: usize) -> Self {
        let ours = Authority::new("ours");
        let own = ours.issue(&["localhost"], |_| {});
        let listener = server(vec![own.pair()], ClientAuth::Required(ours.trust()))
            .altered(|config| config.max_fragment_size = Some(fragment));
        let client = client(version, ours.trust(), Some(&own));
        let name = ServerName::try_from("localhost").unwrap();
        let client = UnbufferedClientConnection::new(client.config().clone(), name).unwrap();
        let server = UnbufferedServerConnection::new(Arc::clone(listener.config())).unwrap();
        Self {
            client: Records::new(Side::Client(client)),
            server: Records::new(Side::Server(server)),
        }
    }
}

/// Hands `step` bytes over, and lets the taker work them off. Says how many there were.
fn carry(from: &mut Records, to: &mut Records, step: usize) -> usize {
    let count = from.outgoing().len().min(step);
    give(to, &from.outgoing()[..count]);
    from.sent(count);
    count
}

fn give(to: &mut Records, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if let Some((incoming, room)) = to.room() {
        assert!(bytes.len() <= room);
        incoming.extend_from_slice(bytes);
        to.received(bytes.len());
    }
    to.work_off(None);
}

/// Everything that `records` have for a reader with little room.
fn drain(records: &mut Records) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = Buffer::with_capacity(4096);
    while let Some(Ok(1..)) = records.read(&mut buffer) {
        all.extend_from_slice(&buffer);
        buffer.clear();
    }
    all
}

#[test]
fn bytes_arrive_however_records_are_cut() {
    let text: Vec<u8> = (0..5000_u32).map(|n| n as u8).collect();
    for (_, version) in VERSIONS {
        for (step, fragment) in [
            (1, 1000),
            (1, 40),
            (2, 100),
            (3, 64),
            (7, 500),
            (4096, 1000),
        ] {
            let mut sides = Sides::met(version, step, fragment);
            let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
            sides.client.encrypt(&mut [b"head ", &text]).unwrap();
            sides.server.encrypt(&mut [&text, &[]]).unwrap();
            loop {
                let moved = carry(&mut sides.client, &mut sides.server, step)
                    + carry(&mut sides.server, &mut sides.client, step);
                at_server.extend(drain(&mut sides.server));
                at_client.extend(drain(&mut sides.client));
                if moved == 0 {
                    break;
                }
            }
            assert_eq!(at_server, [b"head ", &text[..]].concat());
            assert_eq!(at_client, text);
            for side in [&mut sides.client, &mut sides.server] {
                side.settle();
                assert_eq!(side.held_bytes(), 0);
            }
        }
    }
}

#[test]
fn head_and_body_become_one_record() {
    for (_, version) in VERSIONS {
        let mut sides = Sides::met(version, 16 << 10, 16 << 10);
        let mut parts: [&[u8]; 2] = [b"head", b"body"];
        sides.client.encrypt(&mut parts).unwrap();
        assert!(parts[0].is_empty() && parts[1].is_empty());
        let record = sides.client.outgoing();
        let len = usize::from(u16::from_be_bytes([record[3], record[4]]));
        assert_eq!(record.len(), 5 + len);
        // A long body follows in records that fit the second class.
        sides.client.sent(5 + len);
        let body = vec![0; TLS_PLAINTEXT_BYTES_MAX];
        let mut parts: [&[u8]; 2] = [b"head", &body];
        sides.client.encrypt(&mut parts).unwrap();
        assert_eq!((parts[0].len(), parts[1].len()), (0, 4));
        assert_eq!(sides.client.outgoing.capacity(), BUFFER_CLASSES_BYTES[1]);
    }
}

/// A message that came in part when the transport, or its peer, failed is what rustls remembers places of.
#[test]
fn part_of_a_message_is_no_danger_when_the_peer_ends() {
    let (_, version) = VERSIONS[1];
    for cut in (1..400).step_by(9) {
        let [mut begun, mut sides] = [(); 2].map(|()| Sides::met(version, 16 << 10, 40));
        let ticket = begun.server.outgoing().to_vec();
        assert!(ticket.len() > 400, "{}", ticket.len());
        give(&mut begun.client, &ticket[..cut.min(ticket.len())]);
        begun.client.transport_ended();
        let mut buffer = Buffer::new();
        let read = begun.client.read(&mut buffer).unwrap().unwrap_err();
        assert_eq!(read.kind(), io::ErrorKind::UnexpectedEof);
        begun.client.encrypt(&mut [b"still", &[]]).unwrap();
        begun.client.close();

        let ticket = sides.server.outgoing().to_vec();
        give(&mut sides.client, &ticket[..cut.min(ticket.len())]);
        give(&mut sides.client, &[0; 64]);
        give(&mut sides.client, &[23, 3, 3, 0, 17].repeat(20));
        let _ = sides.client.read(&mut buffer);
        let _ = sides.client.encrypt(&mut [b"still", &[]]);
        sides.client.close();
    }
}

#[test]
fn end_that_was_said_is_told_from_one_that_was_not() {
    for (_, version) in VERSIONS {
        let mut buffer = Buffer::new();
        let mut sides = Sides::met(version, 16 << 10, 16 << 10);
        carry(&mut sides.server, &mut sides.client, 16 << 10);
        sides.client.encrypt(&mut [b"last", &[]]).unwrap();
        // Not behind a record that is on its way in part.
        sides.client.close();
        carry(&mut sides.client, &mut sides.server, 16 << 10);
        sides.client.close();
        sides.client.close();
        carry(&mut sides.client, &mut sides.server, 16 << 10);
        assert_eq!(sides.server.read(&mut buffer).unwrap().unwrap(), 4);
        assert_eq!(sides.server.read(&mut buffer).unwrap().unwrap(), 0);
        sides.server.transport_ended();
        assert_eq!(sides.server.read(&mut buffer).unwrap().unwrap(), 0);
        // Our way is still open, theirs is not.
        sides.server.encrypt(&mut [b"answer", &[]]).unwrap();
        carry(&mut sides.server, &mut sides.client, 16 << 10);
        assert_eq!(drain(&mut sides.client), b"answer");
        assert!(sides.client.encrypt(&mut [b"more", &[]]).is_err());

        let mut sides = Sides::met(version, 16 << 10, 16 << 10);
        sides.server.transport_ended();
        for _ in 0..2 {
            let error = sides.server.read(&mut buffer).unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

#[test]
fn changed_record_ends_the_connection_with_an_alert() {
    for (_, version) in VERSIONS {
        let mut sides = Sides::met(version, 16 << 10, 16 << 10);
        carry(&mut sides.server, &mut sides.client, 16 << 10);
        sides.client.encrypt(&mut [b"one", &[]]).unwrap();
        let mut record = sides.client.outgoing().to_vec();
        *record.last_mut().unwrap() ^= 1;
        give(&mut sides.server, &record);
        let mut buffer = Buffer::new();
        for _ in 0..2 {
            let error = sides.server.read(&mut buffer).unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        assert!(sides.server.encrypt(&mut [b"answer", &[]]).is_err());
        assert!(!sides.server.outgoing().is_empty());
        carry(&mut sides.server, &mut sides.client, 16 << 10);
        let error = sides.client.read(&mut buffer).unwrap().unwrap_err();
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    }
}
