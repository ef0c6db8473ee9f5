#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{Splitter, data_of, fields, replace_data};

const STREAMS: &[&[u8]] = &[
    b"data: a\n\n",
    b"data: a\n\ndata: b\n\n",
    b"data: a\r\n\r\ndata: b\r\n\r\n",
    b"data: a\r\rdata: b\r\r",
    b"id: 1\nevent: message\nretry: 5\ndata: {\"a\":\ndata: 1}\n: comment\n\n: ping\n\ndata\n\n",
    b"id: 1\r\nevent: message\r\ndata: {\"a\":\r\ndata:1}\r\n\r\n: ping\r\n\r\n",
    b"id: 1\revent: message\rdata: {\"a\":\rdata:1}\r\r: ping\r\r\ndata: z\r\r",
    b"\xEF\xBB\xBFdata: first\n\n\xEF\xBB\xBFdata: second\n\n",
    b"\n\n\ndata: a\n\n\n\n",
    b"\r\n\r\n\r\ndata: a\r\n\r\n\r\n",
    b"\r\r\rdata: a\r\r\r",
    b"data: a\n\rdata: b\r\n\ndata: c\r\n\rdata: d\r\n\r\n",
    b"dat: x\ndataa: y\ndata : z\nda\nd\ndata:\ndata:  two\n\n",
    b"data: unfinished\n",
    b"data: \xff\xfe\x00\n\n",
    b"event: endpoint\ndata: /message?s=1\n\n",
    b"data:a:b\n\ndata::\n\n:\n\n: data: no\n\n",
    b"\xEF\xBBdata: x\n\n",
];

/// Events as they come when `stream` arrives in `pieces`.
fn split(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut splitter, mut events, mut open) = (Splitter::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while let Some(length) = splitter.feed(rest) {
            open.extend_from_slice(&rest[..length]);
            events.push(std::mem::take(&mut open));
            assert!(splitter.is_between_events() && splitter.is_complete());
            rest = &rest[length..];
        }
        open.extend_from_slice(rest);
    }
    if splitter.is_complete() && !open.is_empty() {
        events.push(std::mem::take(&mut open));
    }
    (events, open)
}

#[test]
fn where_a_stream_is_cut_makes_no_difference() {
    for stream in STREAMS {
        let whole = split(&[stream]);
        assert_eq!(
            split(&stream.chunks(1).collect::<Vec<_>>()),
            whole,
            "{}",
            stream.escape_ascii()
        );
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(
                    split(&pieces),
                    whole,
                    "{} cut at {first} and {second}",
                    stream.escape_ascii()
                );
            }
        }
        let glued: Vec<u8> = whole.0.concat().into_iter().chain(whole.1).collect();
        assert_eq!(&glued, stream, "every byte belongs to one event");
    }
}

#[test]
fn data_is_the_same_however_it_is_read() {
    for stream in STREAMS {
        let (events, _) = split(&[stream]);
        let expected = reference(stream);
        let read: Vec<Vec<u8>> = events
            .iter()
            .enumerate()
            .filter_map(|(index, event)| {
                // Only the stream's own byte order mark is none of the first line.
                let hidden = index > 0 && event.starts_with(b"\xEF\xBB\xBF");
                let mut joined = Vec::new();
                data_of(event, &mut joined)
                    .filter(|_| !hidden)
                    .map(<[u8]>::to_vec)
            })
            .collect();
        assert_eq!(read, expected, "{}", stream.escape_ascii());
        assert_eq!(tapped(stream), expected, "{}", stream.escape_ascii());
    }
}

/// Data as `feed_data` reports it, one byte fed at a time.
fn tapped(stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut splitter, mut found, mut data) = (Splitter::new(), Vec::new(), Vec::new());
    let flush = |has_data: bool, data: &mut Vec<u8>, found: &mut Vec<Vec<u8>>| {
        let data = std::mem::take(data);
        if has_data {
            found.push(data);
        }
    };
    for byte in stream.chunks(1) {
        let mut rest = byte;
        loop {
            let has_data = splitter.has_data;
            let Some(length) = splitter.feed_data(rest, |part| data.extend_from_slice(part)) else {
                break;
            };
            flush(has_data, &mut data, &mut found);
            rest = &rest[length..];
        }
    }
    if splitter.is_complete() {
        flush(splitter.has_data, &mut data, &mut found);
    }
    found
}

/// A reader written from the standard, line by line over the whole text, that keeps empty data.
fn reference(stream: &[u8]) -> Vec<Vec<u8>> {
    let text = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let (mut found, mut data, mut line, mut at) = (Vec::new(), None::<Vec<u8>>, Vec::new(), 0);
    while at < text.len() {
        if !matches!(text[at], b'\n' | b'\r') {
            line.push(text[at]);
            at += 1;
            continue;
        }
        at += if text[at..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        let done = std::mem::take(&mut line);
        if done.is_empty() {
            found.extend(data.take());
        } else if done == b"data" || done.starts_with(b"data:") {
            let value = done.get(5..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut data {
                Some(data) => data.extend(b"\n".iter().chain(value)),
                None => data = Some(value.to_vec()),
            }
        }
    }
    found
}

#[test]
fn an_event_is_complete_as_soon_as_its_blank_line_is() {
    for (stream, complete) in [
        ("data: a\n\n", true),
        ("data: a\r\n\r\n", true),
        ("data: a\r\r", true),
        ("data: a\n", false),
        ("data: a\r\n", false),
        ("data: a\r", false),
    ] {
        assert_eq!(
            Splitter::new().feed(stream.as_bytes()).is_some(),
            complete,
            "{stream:?}"
        );
    }
    let mut splitter = Splitter::new();
    assert_eq!(
        splitter.feed(b"data: a\r\n\r"),
        None,
        "the line feed is on its way"
    );
    assert!(splitter.is_complete() && !splitter.is_between_events());
    assert_eq!(splitter.clone().feed(b"\n"), Some(1));
    assert_eq!(splitter.feed(b"data"), Some(0));
}

#[test]
fn a_server_that_ends_lines_with_cr_is_not_waited_for() {
    let (events, open) = split(&[b"data: a\r\r\ndata: b\r\r"]);
    assert_eq!(events, [&b"data: a\r\r"[..], b"\n", b"data: b\r\r"]);
    assert!(open.is_empty());
}

#[test]
fn comments_fit_only_between_events() {
    let mut splitter = Splitter::new();
    assert!(splitter.is_between_events());
    for byte in b"id: 1\ndata: x\n" {
        assert_eq!(splitter.feed(&[*byte]), None);
        assert!(!splitter.is_between_events());
    }
    assert_eq!(splitter.feed(b"\nid"), Some(1));
    assert!(splitter.is_between_events());
}

#[test]
fn data_of_one_line_is_borrowed() {
    let event = b"id: 1\ndata: {\"a\":1}\n\n";
    let mut joined = Vec::new();
    let data = data_of(event, &mut joined).unwrap();
    assert_eq!(data, b"{\"a\":1}");
    assert!(event.as_ptr_range().contains(&data.as_ptr()));
    assert_eq!(data_of(b": ping\n\n", &mut Vec::new()), None);
    assert_eq!(data_of(b"data\n\n", &mut Vec::new()), Some(&b""[..]));
    assert_eq!(
        data_of(b"data:\ndata:\n\n", &mut Vec::new()),
        Some(&b"\n"[..])
    );
}

#[test]
fn fields_are_read_and_rebuild_the_event() {
    let event = b"id: 7\r\n: note\r\nevent:message\r\nretry\r\n\r\n";
    let read: Vec<_> = fields(event)
        .map(|field| (field.name, field.value))
        .collect();
    assert_eq!(
        read,
        [
            (&b"id"[..], &b"7"[..]),
            (b"", b"note"),
            (b"event", b"message"),
            (b"retry", b""),
            (b"", b"")
        ]
    );
    assert_eq!(
        fields(event)
            .flat_map(|field| field.raw.to_vec())
            .collect::<Vec<_>>(),
        event
    );
}

#[test]
fn other_data_keeps_every_other_line() {
    for (event, data, expected) in [
        ("data: a\n\n", "b", "data: b\n\n"),
        (
            "id: 1\r\ndata:a\r\ndata:b\r\nretry: 9\r\n: c\r\n\r\n",
            "x",
            "id: 1\r\ndata: x\r\nretry: 9\r\n: c\r\n\r\n",
        ),
        ("data: a\r\r", "b\nc", "data: b\rdata: c\r\r"),
        (
            "event: message\ndata\nid: 2\n\n",
            "{}",
            "event: message\ndata: {}\nid: 2\n\n",
        ),
        (": only\n\n", "x", ": only\n\n"),
        (
            "data: a\nid: 1\ndata: b\n\n",
            "n\r\nm",
            "data: n\ndata: \ndata: m\nid: 1\n\n",
        ),
    ] {
        let mut out = b"before ".to_vec();
        replace_data(event.as_bytes(), data.as_bytes(), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("before {expected}")
        );
    }
}
