//! Event splitting: the same events wherever the stream is cut, every byte in exactly one of them, and data that survives
//! being replaced by itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::mcp::sse::{Splitter, data_of, fields, replace_data};

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (cuts, stream) = input;
    let whole = split(&[stream]);
    assert_eq!(split(&pieces(&cuts, stream)), whole);
    assert_eq!(whole.concat(), stream);
    whole.iter().for_each(|event| check(event));
});

fn pieces<'s>(cuts: &[u8], mut stream: &'s [u8]) -> Vec<&'s [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = stream.split_at(usize::from(*cut).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

/// The events in order, and last what was left open.
fn split(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut splitter, mut events, mut open) = (Splitter::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while let Some(length) = splitter.feed(rest) {
            open.extend_from_slice(&rest[..length]);
            events.push(std::mem::take(&mut open));
            rest = &rest[length..];
        }
        open.extend_from_slice(rest);
    }
    events.push(open);
    events
}

fn check(event: &[u8]) {
    let rebuilt: Vec<u8> = fields(event).flat_map(|field| field.raw).copied().collect();
    assert_eq!(rebuilt, event);
    let (mut first, mut second, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
    // An event that is still open has no last line end to copy.
    let Some(data) =
        data_of(event, &mut first).filter(|_| event.ends_with(b"\n") || event.ends_with(b"\r"))
    else {
        return;
    };
    replace_data(event, data, &mut replaced);
    assert_eq!(data_of(&replaced, &mut second), Some(data));
}
