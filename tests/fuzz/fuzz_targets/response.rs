//! Response heads and their bodies: read whole and in pieces they have one meaning.
#![no_main]

use guard_io::http1::{
    BodyReader, HeadIndex, HeadLimits, HeadRefusal, Method, ResponseProgress, parse_response,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: HeadLimits = HeadLimits {
    head_bytes_max: 512,
    request_line_bytes_max: 128,
    headers_max: 12,
};

type Verdict = Result<ResponseProgress, HeadRefusal>;

fuzz_target!(|input: (bool, u16, &[u8])| {
    let (to_head, split, bytes) = input;
    let method = if to_head { Method::Head } else { Method::Post };
    let whole = in_pieces(bytes, method, [bytes.len()]);
    let split = usize::from(split) % (bytes.len() + 1);
    check_agreement(whole, in_pieces(bytes, method, [split, bytes.len()]));
    check_agreement(whole, in_pieces(bytes, method, 1..=bytes.len()));
    if let Ok(ResponseProgress::Complete(head)) = whole {
        let body = &bytes[head.head_len..];
        let reader = BodyReader::response(head.framing);
        assert_eq!(
            read_body(reader.clone(), [body]),
            read_body(reader, body.chunks(1))
        );
    }
});

fn in_pieces(bytes: &[u8], method: Method, ends: impl IntoIterator<Item = usize>) -> Verdict {
    let mut index = HeadIndex::new();
    let mut scanned = 0;
    for end in ends {
        match parse_response(&bytes[..end], scanned, method, &LIMITS, &mut index)? {
            ResponseProgress::Partial => scanned = end,
            found => return Ok(found),
        }
    }
    Ok(ResponseProgress::Partial)
}

/// Pieces may refuse later than the whole, never otherwise.
fn check_agreement(whole: Verdict, pieces: Verdict) {
    match (whole, pieces) {
        (Err(_), Err(_) | Ok(ResponseProgress::Partial)) => {}
        (whole, pieces) => assert_eq!(whole, pieces),
    }
}

/// Data, whether the body is done, and the bytes left over; nothing where it is refused.
fn read_body<'a>(
    mut reader: BodyReader,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Option<(Vec<u8>, bool, usize)> {
    let (mut data, mut surplus) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        while at < piece.len() && !reader.is_done() {
            let step = reader.next(&piece[at..]).ok()?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed);
            data.extend_from_slice(&piece[at..][step.data]);
            at += step.consumed;
        }
        surplus += piece.len() - at;
    }
    Some((data, reader.is_done(), surplus))
}
