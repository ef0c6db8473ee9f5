//! Both sides of each bound on a head.

use super::*;
use crate::http1::{FIELDS_CEILING, HEAD_BYTES_CEILING, LEADING_BLANK_LINES_MAX};

const SMALL: &str = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";

#[test]
fn head_bytes_are_bounded_on_both_sides() {
    let exact = |head_bytes_max| HeadLimits {
        head_bytes_max,
        ..HeadLimits::default()
    };
    let with_body = format!("{SMALL}xx");
    let fits = exact(SMALL.len());
    let short = exact(SMALL.len() - 1);
    let too_large = Err(HeadRefusal::HeadTooLarge {
        bytes_max: SMALL.len() - 1,
    });
    for bytes in [SMALL.as_bytes(), with_body.as_bytes()] {
        for parse in [parse_with, parse_bytewise] {
            assert!(matches!(parse(bytes, &fits), Ok(Progress::Complete(_))));
            assert_eq!(parse(bytes, &short), too_large);
        }
    }
    let open = &SMALL.as_bytes()[..SMALL.len() - 2];
    assert_eq!(
        parse_with(open, &exact(open.len() + 1)),
        Ok(Progress::Partial)
    );
    assert!(parse_with(open, &exact(open.len())).is_err());
}

#[test]
fn request_line_bytes_are_bounded_on_both_sides() {
    let line = b"GET /abc HTTP/1.1";
    let head = [&b"\r\n"[..], line, b"\r\nHost: a\r\n\r\n"].concat();
    let exact = |request_line_bytes_max| HeadLimits {
        request_line_bytes_max,
        ..HeadLimits::default()
    };
    let too_long = Err(HeadRefusal::RequestLineTooLong {
        bytes_max: line.len() - 1,
    });
    for parse in [parse_with, parse_bytewise] {
        let fits = parse(&head, &exact(line.len()));
        assert!(matches!(fits, Ok(Progress::Complete(_))), "{fits:?}");
        assert_eq!(parse(&head, &exact(line.len() - 1)), too_long);
    }
    // A line that is whole is judged before the head is.
    let open = &head[..head.len() - 2];
    assert_eq!(parse_with(open, &exact(line.len())), Ok(Progress::Partial));
    assert_eq!(parse_with(open, &exact(line.len() - 1)), too_long);
    // An endless first line is a long request line, whichever bound it meets.
    let endless = [b'A'; 64];
    let limits = HeadLimits {
        head_bytes_max: 64,
        ..HeadLimits::default()
    };
    assert!(matches!(
        parse_with(&endless, &limits),
        Err(HeadRefusal::RequestLineTooLong { .. })
    ));
}

#[test]
fn field_lines_are_bounded_on_both_sides() {
    let head = |fields: usize| {
        let more = "X: a\r\n".repeat(fields - 1);
        format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n")
    };
    let limits = |headers_max| HeadLimits {
        headers_max,
        ..HeadLimits::default()
    };
    for (configured, effective) in [(1, 1), (100, 100), (usize::MAX, FIELDS_CEILING)] {
        let limits = limits(configured);
        let fits = parse_with(head(effective).as_bytes(), &limits);
        assert!(matches!(fits, Ok(Progress::Complete(_))), "{fits:?}");
        let refusal = HeadRefusal::TooManyFields {
            fields_max: effective,
        };
        let over = parse_with(head(effective + 1).as_bytes(), &limits);
        assert_eq!(over, Err(refusal));
    }
}

#[test]
fn the_ceiling_holds_whatever_is_configured() {
    let limits = HeadLimits {
        head_bytes_max: usize::MAX,
        request_line_bytes_max: usize::MAX - 1,
        headers_max: usize::MAX,
    };
    let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    head.resize(HEAD_BYTES_CEILING, b'a');
    assert!(parse_with(&head, &limits).is_err());
}

#[test]
fn leading_empty_lines_are_bounded_on_both_sides() {
    let head = |lines: usize| format!("{}{SMALL}", "\r\n".repeat(lines));
    let fits = head(LEADING_BLANK_LINES_MAX);
    assert_eq!(accepted(fits.as_bytes()).head_len, fits.len());
    let refusal = HeadRefusal::LeadingBlankLines {
        lines_max: LEADING_BLANK_LINES_MAX,
    };
    check_refused(head(LEADING_BLANK_LINES_MAX + 1).as_bytes(), refusal);
}
