#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

/// Everything that a body's bytes decode to: the data, whether it is done, and how many bytes are left over.
type Outcome = Result<(Vec<u8>, bool, usize), ChunkRefusal>;

/// Decodes `pieces` one after the other, as they would arrive.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = ChunkedDecoder::new();
    let mut data = Vec::new();
    let mut surplus = 0;
    for piece in pieces {
        let mut at = 0;
        while at < piece.len() && !decoder.is_done() {
            let step = decoder.decode(&piece[at..])?;
            assert!(step.consumed > 0, "no progress at {at}");
            assert!(step.data.end <= step.consumed, "{step:?}");
            data.extend_from_slice(&piece[at..][step.data]);
            at += step.consumed;
        }
        surplus += piece.len() - at;
    }
    Ok((data, decoder.is_done(), surplus))
}

/// `body` decodes to `expected` whole, in every two pieces, byte by byte, and in place.
fn check(body: &[u8], expected: Outcome) {
    let shown = String::from_utf8_lossy(body);
    assert_eq!(decode([body]), expected, "{shown:?}");
    assert_eq!(decode(body.chunks(1)), expected, "{shown:?} by bytes");
    for split in 0..=body.len() {
        let (left, right) = body.split_at(split);
        assert_eq!(decode([left, right]), expected, "{shown:?} at {split}");
    }
    let mut decoder = ChunkedDecoder::new();
    let mut copy = body.to_vec();
    let compacted = decoder.compact(&mut copy).map(|done| {
        let data = copy[..done.data_len].to_vec();
        (data, decoder.is_done(), copy.len() - done.consumed)
    });
    assert_eq!(compacted, expected, "{shown:?} in place");
}

fn check_done(body: &[u8], data: &[u8], surplus: usize) {
    check(body, Ok((data.to_vec(), true, surplus)));
}

#[test]
fn whole_bodies_decode_alike_for_every_split() {
    for (body, data) in [
        (&b"0\r\n\r\n"[..], &b""[..]),
        (b"000\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (
            b"5\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\n\r\n",
            b"hello world",
        ),
        (
            b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
            b"01234567890123456789",
        ),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        (b"1;a=b;c=\"d e\"\r\nx\r\n0;last\r\n\r\n", b"x"),
        (b"1 \t;a\r\nx\r\n0\r\n\r\n", b"x"),
        (b"1\r\nx\r\n0\r\nA: b\r\nContent-Length:\r\n\r\n", b"x"),
    ] {
        check_done(body, data, 0);
    }
}

#[test]
fn bytes_after_the_body_are_left_alone() {
    let body = b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    check_done(body, b"x", b"GET / HTTP/1.1\r\n\r\n".len());
    let mut copy = *body;
    let done = ChunkedDecoder::new().compact(&mut copy).unwrap();
    assert_eq!(&copy[done.consumed..], b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn an_unfinished_body_is_not_done() {
    for (body, data) in [
        (&b""[..], &b""[..]),
        (b"5", b""),
        (b"5\r", b""),
        (b"5\r\n", b""),
        (b"5\r\nhel", b"hel"),
        (b"5\r\nhello", b"hello"),
        (b"5\r\nhello\r\n", b"hello"),
        (b"5\r\nhello\r\n0\r\n", b"hello"),
        (b"5\r\nhello\r\n0\r\n\r", b"hello"),
        (b"0\r\nA: b\r\n", b""),
    ] {
        check(body, Ok((data.to_vec(), false, 0)));
    }
}

#[test]
fn sizes_with_another_reading_are_refused() {
    use ChunkRefusal::*;
    for (body, refusal) in [
        (&b"\r\n"[..], InvalidSize),
        (b"\n", InvalidSize),
        (b";a\r\n", InvalidSize),
        (b" 5\r\nhello\r\n", InvalidSize),
        (b"5 \r\nhello\r\n", InvalidSize),
        (b"5\t\r\nhello\r\n", InvalidSize),
        (b"5 5\r\nhello\r\n", InvalidSize),
        (b"+5\r\nhello\r\n", InvalidSize),
        (b"-5\r\nhello\r\n", InvalidSize),
        (b"0x5\r\nhello\r\n", InvalidSize),
        (b"5,5\r\nhello\r\n", InvalidSize),
        (b"5_0\r\n", InvalidSize),
        (b"g\r\n", InvalidSize),
        (b"\xef\xbc\x95\r\n", InvalidSize),
        (b"5\nhello\n0\n\n", InvalidSize),
        (b"5\0\r\nhello\r\n", InvalidSize),
        (b"5\x0b\r\nhello\r\n", InvalidSize),
        (b"5\r\r\nhello\r\n", MissingLineFeed),
        (b"5\rhello\r\n", MissingLineFeed),
        (b"10000000000000000\r\n", SizeOverflow),
        (b"ffffffffffffffffff\r\n", SizeOverflow),
        (b"5;a\nhello\r\n", InvalidExtension),
        (b"5;\0\r\nhello\r\n", InvalidExtension),
        (b"5;\xe9\r\nhello\r\n", InvalidExtension),
        (b"5;a\rb\r\nhello\r\n", MissingLineFeed),
        (b"0;a\n\r\n", InvalidExtension),
        (b"3\r\nhello\r\n", MissingDataEnd),
        (b"6\r\nhello\r\n0\r\n\r\n", MissingDataEnd),
        (b"5\r\nhello\n0\r\n\r\n", MissingDataEnd),
        (b"5\r\nhello\r0\r\n\r\n", MissingDataEnd),
        (b"5\r\nhello0\r\n\r\n", MissingDataEnd),
        (b"5\r\nhello\r\n\r\n", InvalidSize),
        (b"0\r\n\n", InvalidTrailer),
        (b"0\r\n\rX", MissingLineFeed),
        (b"0\n\r\n", InvalidSize),
        (b"0\r\r\n", MissingLineFeed),
        (b"0\r\nGET / HTTP/1.1\r\n\r\n", InvalidTrailer),
        (b"0\r\n: a\r\n\r\n", InvalidTrailer),
        (b"0\r\nA : b\r\n\r\n", InvalidTrailer),
        (b"0\r\nA: b\r\n c\r\n\r\n", InvalidTrailer),
        (b"0\r\nA: b\nC: d\r\n\r\n", InvalidTrailer),
        (b"0\r\nA: b\rC: d\r\n\r\n", MissingLineFeed),
        (b"0\r\nA: \0\r\n\r\n", InvalidTrailer),
        (b"0\r\nA\r\n\r\n", InvalidTrailer),
    ] {
        check(body, Err(refusal));
    }
}

#[test]
fn the_largest_size_is_announced_and_one_more_refused() {
    let mut decoder = ChunkedDecoder::new();
    let step = decoder.decode(b"ffffffffffffffff\r\nab").unwrap();
    assert_eq!(step.data, 18..20);
    assert_eq!(decoder.announced_bytes(), u64::MAX - 2);
    check(b"10000000000000000\r\n", Err(ChunkRefusal::SizeOverflow));
}

#[test]
fn size_lines_are_bounded_on_both_sides() {
    let zeros = |count: usize| [&vec![b'0'; count][..], b"\r\n\r\n"].concat();
    check_done(&zeros(CHUNK_LINE_BYTES_MAX), b"", 0);
    check(
        &zeros(CHUNK_LINE_BYTES_MAX + 1),
        Err(ChunkRefusal::LineTooLong),
    );
    let extended = |count: usize| [b"0;", &vec![b'a'; count - 2][..], b"\r\n\r\n"].concat();
    check_done(&extended(CHUNK_LINE_BYTES_MAX), b"", 0);
    check(
        &extended(CHUNK_LINE_BYTES_MAX + 1),
        Err(ChunkRefusal::LineTooLong),
    );
}

#[test]
fn extensions_are_bounded_over_the_whole_body() {
    const EACH: usize = 128;
    let chunk = [b"1;", &[b'a'; EACH - 1][..], b"\r\nx\r\n"].concat();
    let chunks = CHUNK_EXTENSION_BYTES_MAX / EACH;
    let fits = [&chunk.repeat(chunks)[..], b"0\r\n\r\n"].concat();
    assert_eq!(decode([&fits[..]]), Ok((vec![b'x'; chunks], true, 0)));
    let over = [&chunk.repeat(chunks)[..], b"0;\r\n\r\n"].concat();
    let refused = Err(ChunkRefusal::ExtensionsTooLong);
    assert_eq!(decode([&over[..]]), refused);
    assert_eq!(decode(over.chunks(1)), refused);
}

#[test]
fn trailers_are_bounded_on_both_sides() {
    // The CR of the final line end is the last byte that counts.
    let body = |bytes: usize| {
        let value = vec![b'a'; bytes - b"A:\r\r".len()];
        [b"0\r\nA:", &value[..], b"\r\n\r\n"].concat()
    };
    let fits = body(TRAILER_BYTES_MAX);
    assert_eq!(decode([&fits[..]]), Ok((Vec::new(), true, 0)));
    let over = body(TRAILER_BYTES_MAX + 1);
    assert_eq!(decode([&over[..]]), Err(ChunkRefusal::TrailersTooLong));
}

#[test]
fn a_refusal_stays_a_refusal() {
    let mut decoder = ChunkedDecoder::new();
    assert_eq!(decoder.decode(b"x"), Err(ChunkRefusal::InvalidSize));
    assert_eq!(decoder.decode(b"0\r\n\r\n"), Err(ChunkRefusal::InvalidSize));
    assert!(!decoder.is_done());
}

#[test]
fn one_call_reads_a_one_chunk_body() {
    let step = ChunkedDecoder::new()
        .decode(b"2\r\nab\r\n0\r\n\r\nrest")
        .unwrap();
    assert_eq!((step.consumed, step.data), (12, 3..5));
}
