#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

/// Reads `pieces`; answers data, whether the body is done, and the bytes left over.
fn read<'a>(
    reader: &mut BodyReader,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, bool, usize) {
    let mut data = Vec::new();
    let mut surplus = 0;
    for piece in pieces {
        let mut at = 0;
        while at < piece.len() && !reader.is_done() {
            let step = reader.next(&piece[at..]).unwrap();
            assert_eq!(step.done, reader.is_done());
            data.extend_from_slice(&piece[at..][step.data]);
            at += step.consumed;
        }
        surplus += piece.len() - at;
    }
    (data, reader.is_done(), surplus)
}

/// `input` reads alike in every two pieces; then `eof` is what the end of the connection means.
fn check(
    framing: ResponseFraming,
    input: &[u8],
    expected: (&[u8], bool, usize),
    eof: Result<(), Truncation>,
) {
    let expected = (expected.0.to_vec(), expected.1, expected.2);
    for split in 0..=input.len() {
        let mut reader = BodyReader::response(framing);
        let (left, right) = input.split_at(split);
        let found = read(&mut reader, [left, right]);
        assert_eq!(found, expected, "{framing:?} at {split}");
        assert_eq!(reader.finish_on_eof(), eof, "{framing:?} at {split}");
    }
}

#[test]
fn each_framing_ends_where_it_says() {
    use ResponseFraming::*;
    let missing = |missing_bytes| Err(Truncation::Length { missing_bytes });
    check(None, b"surplus", (b"", true, 7), Ok(()));
    check(Length(0), b"surplus", (b"", true, 7), Ok(()));
    check(Length(3), b"abcd", (b"abc", true, 1), Ok(()));
    check(Length(4), b"abcd", (b"abcd", true, 0), Ok(()));
    check(Length(5), b"abcd", (b"abcd", false, 0), missing(1));
    check(
        Length(u64::MAX),
        b"ab",
        (b"ab", false, 0),
        missing(u64::MAX - 2),
    );
    check(UntilClose, b"abcd", (b"abcd", false, 0), Ok(()));
    check(Chunked, b"1\r\na\r\n0\r\n\r\nb", (b"a", true, 1), Ok(()));
    check(
        Chunked,
        b"1\r\na\r\n0\r\n",
        (b"a", false, 0),
        Err(Truncation::Chunked),
    );
    check(Chunked, b"", (b"", false, 0), Err(Truncation::Chunked));
}

#[test]
fn requests_without_framing_have_no_body() {
    assert!(BodyReader::request(RequestFraming::None).is_done());
    assert!(BodyReader::request(RequestFraming::Length(0)).is_done());
    assert!(!BodyReader::request(RequestFraming::Length(1)).is_done());
    assert!(!BodyReader::request(RequestFraming::Chunked).is_done());
}

#[test]
fn what_is_certain_to_follow_is_announced() {
    let mut reader = BodyReader::request(RequestFraming::Chunked);
    assert_eq!(reader.announced_bytes(), 0);
    reader.next(b"10\r\nab").unwrap();
    assert_eq!(reader.announced_bytes(), 14);
    assert_eq!(
        BodyReader::request(RequestFraming::Length(9)).announced_bytes(),
        9
    );
}

#[test]
fn broken_chunks_are_refused() {
    let mut reader = BodyReader::request(RequestFraming::Chunked);
    assert_eq!(reader.next(b"\n"), Err(ChunkRefusal::InvalidSize));
}
