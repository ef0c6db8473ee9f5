//! Request heads: read whole, byte by byte and in two pieces they have one meaning, and what is accepted obeys the rules
//! that keep a second reader from seeing another message.
#![no_main]

use guard_io::http1::{
    HeadIndex, HeadLimits, HeadRefusal, Progress, RequestFraming, RequestHead, parse_request,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: HeadLimits = HeadLimits {
    head_bytes_max: 512,
    request_line_bytes_max: 128,
    headers_max: 12,
};

type Verdict = Result<Progress, HeadRefusal>;

fuzz_target!(|input: (u16, &[u8])| {
    let (split, bytes) = input;
    let mut index = HeadIndex::new();
    let whole = parse_request(bytes, 0, &LIMITS, &mut index);
    if let Ok(Progress::Complete(head)) = whole {
        check_accepted(&bytes[..head.head_len], &head, &index);
    }
    let split = usize::from(split) % (bytes.len() + 1);
    check_agreement(whole, in_pieces(bytes, [split, bytes.len()]), bytes.len());
    check_agreement(whole, in_pieces(bytes, 1..=bytes.len()), bytes.len());
});

/// Parses growing prefixes of `bytes`, as a server that reads until the head is whole.
fn in_pieces(bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Verdict {
    let mut index = HeadIndex::new();
    let mut scanned = 0;
    for end in ends {
        match parse_request(&bytes[..end], scanned, &LIMITS, &mut index)? {
            Progress::Partial => scanned = end,
            complete => return Ok(complete),
        }
    }
    Ok(Progress::Partial)
}

/// Pieces may refuse later than the whole, never otherwise.
fn check_agreement(whole: Verdict, pieces: Verdict, len: usize) {
    match (whole, pieces) {
        (Err(_), Err(_)) => {}
        (Err(_), Ok(Progress::Partial)) => assert!(len < LIMITS.head_bytes_max),
        (whole, pieces) => assert_eq!(whole, pieces),
    }
}

fn check_accepted(head: &[u8], accepted: &RequestHead, index: &HeadIndex) {
    assert!(head.len() <= LIMITS.head_bytes_max && index.len() <= LIMITS.headers_max);
    assert!(head.ends_with(b"\r\n\r\n") && !head.contains(&0));
    let line_feeds = head.iter().filter(|&&byte| byte == b'\n').count();
    let returns = head.iter().filter(|&&byte| byte == b'\r').count();
    let pairs = head.windows(2).filter(|pair| pair == b"\r\n").count();
    assert!(line_feeds == pairs && returns == pairs);
    check_fields(head, accepted, index);
    check_target(head, accepted);
}

fn check_fields(head: &[u8], accepted: &RequestHead, index: &HeadIndex) {
    let count = |name: &[u8]| {
        let same = |(found, _): &(&[u8], &[u8])| found.eq_ignore_ascii_case(name);
        index.headers(head).filter(same).count()
    };
    let framing_fields = (count(b"content-length"), count(b"transfer-encoding"));
    match accepted.framing {
        RequestFraming::None => assert_eq!(framing_fields, (0, 0)),
        RequestFraming::Length(_) => assert_eq!(framing_fields, (1, 0)),
        RequestFraming::Chunked => assert_eq!(framing_fields, (0, 1)),
    }
    assert!(count(b"host") <= 1);
    for (name, value) in index.headers(head) {
        assert!(!name.is_empty() && name.iter().all(u8::is_ascii_graphic));
        assert_eq!(value, value.trim_ascii());
    }
}

fn check_target(head: &[u8], accepted: &RequestHead) {
    let path = accepted.target.path(head);
    assert!(path.starts_with(b"/") || path == b"*");
    let whole = accepted.target.whole(head);
    assert!(
        whole
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b'#')
    );
    assert_ne!(accepted.method.name(head), b"CONNECT");
}
