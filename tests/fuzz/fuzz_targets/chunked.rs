//! The chunked coding: whole, byte by byte, in two pieces and in place it decodes to the same bytes or the same refusal.
#![no_main]

use guard_io::http1::{ChunkRefusal, ChunkedDecoder};
use libfuzzer_sys::fuzz_target;

/// Data, whether the body is done, and the bytes left over.
type Outcome = Result<(Vec<u8>, bool, usize), ChunkRefusal>;

fuzz_target!(|input: (u16, &[u8])| {
    let (split, bytes) = input;
    let whole = decode([bytes]);
    let (left, right) = bytes.split_at(usize::from(split) % (bytes.len() + 1));
    assert_eq!(decode([left, right]), whole);
    assert_eq!(decode(bytes.chunks(1)), whole);
    assert_eq!(decode_in_place(bytes), whole);
});

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = ChunkedDecoder::new();
    let (mut data, mut surplus) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        while at < piece.len() && !decoder.is_done() {
            let step = decoder.decode(&piece[at..])?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed);
            data.extend_from_slice(&piece[at..][step.data]);
            at += step.consumed;
        }
        surplus += piece.len() - at;
    }
    Ok((data, decoder.is_done(), surplus))
}

fn decode_in_place(bytes: &[u8]) -> Outcome {
    let mut decoder = ChunkedDecoder::new();
    let mut copy = bytes.to_vec();
    let compacted = decoder.compact(&mut copy)?;
    assert_eq!(copy[compacted.consumed..], bytes[compacted.consumed..]);
    copy.truncate(compacted.data_len);
    Ok((copy, decoder.is_done(), bytes.len() - compacted.consumed))
}
