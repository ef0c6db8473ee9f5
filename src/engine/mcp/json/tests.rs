#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::strings::find_special;
use super::{Reader, Syntax, decoded};

fn read(text: &str, depth_max: usize) -> Result<(), Syntax> {
    let mut reader = Reader::strict(text, depth_max);
    reader.value()?;
    reader.cursor.finish()
}

fn check(text: &str, expected: Result<(), Syntax>) {
    assert_eq!(read(text, 64), expected, "{text}");
    let mut reader = Reader::strict(text, 64);
    let skipped = reader.skip().and_then(|_| reader.cursor.finish());
    if expected == Err(Syntax::DuplicateMember) {
        assert_eq!(skipped, Ok(()), "skipping {text}");
    } else {
        assert_eq!(skipped, expected, "skipping {text}");
    }
    if expected.is_ok() {
        assert!(
            serde_json::from_str::<serde_json::Value>(text).is_ok(),
            "serde_json refuses {text}"
        );
    }
}

#[test]
fn the_grammar_of_rfc_8259_and_nothing_else_is_accepted() {
    for text in [
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "-1",
        "10",
        "1.5",
        "1e5",
        "1E+5",
        "1.5e-5",
        "true",
        "false",
        "null",
        " { \"a\" : [ 1 , { } , \"b\" ] }\r\n\t",
        "123456789012345678901234567890",
        "\"\u{7f}\u{80}\u{2028}\"",
        r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDe00""#,
        r#"{"":{"":1}}"#,
    ] {
        check(text, Ok(()));
    }
}

#[test]
fn everything_else_is_refused_by_name() {
    use Syntax::{
        BadEscape, BadNumber, ControlInString, LoneSurrogate, TrailingBytes, Truncated,
        UnexpectedByte,
    };
    for (text, fault) in [
        ("", Truncated),
        (" ", Truncated),
        ("{", Truncated),
        ("{\"a\"", Truncated),
        ("{\"a\":", Truncated),
        ("{\"a\":1", Truncated),
        ("[1,", Truncated),
        ("[", Truncated),
        ("\"a", Truncated),
        ("\"\\", Truncated),
        ("\"\\u12", Truncated),
        ("tru", Truncated),
        ("n", Truncated),
        ("{}{}", TrailingBytes),
        ("1 2", TrailingBytes),
        ("nullx", TrailingBytes),
        ("{}\0", TrailingBytes),
        ("1x", TrailingBytes),
        ("{a:1}", UnexpectedByte),
        ("{'a':1}", UnexpectedByte),
        ("{\"a\" 1}", UnexpectedByte),
        ("{\"a\":1,}", UnexpectedByte),
        ("[1,]", UnexpectedByte),
        ("[,1]", UnexpectedByte),
        ("[1 2]", UnexpectedByte),
        ("{,}", UnexpectedByte),
        ("]", UnexpectedByte),
        ("// c\n1", UnexpectedByte),
        ("/**/1", UnexpectedByte),
        ("NaN", UnexpectedByte),
        ("Infinity", UnexpectedByte),
        ("True", UnexpectedByte),
        ("nul1", UnexpectedByte),
        ("+1", UnexpectedByte),
        (".5", UnexpectedByte),
        ("\u{a0}1", UnexpectedByte),
        ("\u{b}1", UnexpectedByte),
        ("{1:1}", UnexpectedByte),
        ("{\"a\":1]", UnexpectedByte),
        ("[1}", UnexpectedByte),
        ("01", BadNumber),
        ("-", BadNumber),
        ("1.", BadNumber),
        ("1.e5", BadNumber),
        ("1e", BadNumber),
        ("1e+", BadNumber),
        ("-01", BadNumber),
        ("-a", BadNumber),
        ("00", BadNumber),
        ("\"\n\"", ControlInString),
        ("\"\0\"", ControlInString),
        ("\"\t\"", ControlInString),
        ("\"\u{1f}\"", ControlInString),
        ("\"0123456789\u{1}\"", ControlInString),
        ("\"\\n\u{2}\"", ControlInString),
        (r#""\x41""#, BadEscape),
        (r#""\'""#, BadEscape),
        (r#""\u00g0""#, BadEscape),
        (r#""\U0041""#, BadEscape),
        (r#""\u+123""#, BadEscape),
        (r#""\ud800""#, LoneSurrogate),
        (r#""\udc00""#, LoneSurrogate),
        (r#""\ud800\ud800""#, LoneSurrogate),
        (r#""\ud800A""#, LoneSurrogate),
        (r#""\ud800x""#, LoneSurrogate),
        (r#""\udc00\ud800""#, LoneSurrogate),
        (r#""\uD83D\n""#, LoneSurrogate),
    ] {
        check(text, Err(fault));
    }
}

#[test]
fn a_member_twice_is_refused_at_any_depth_and_in_any_spelling() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"\u0061":1,"a":2}"#,
        r#"{"\u0061":1,"\u0061":2}"#,
        r#"{"\/":1,"/":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
        r#"{"":1,"":2}"#,
        r#"{"a":{"a":1},"a":1}"#,
    ] {
        check(text, Err(Syntax::DuplicateMember));
    }
    for text in [
        r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
        r#"{"a":1,"A":2}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"a":1,"a ":1,"":1}"#,
    ] {
        check(text, Ok(()));
    }
}

#[test]
fn many_members_are_told_apart_on_both_sides_of_each_bound() {
    for count in [1, 15, 16, 17, 18, 31, 32, 33, 34, 100, 5000] {
        let members: Vec<String> = (0..count)
            .map(|n| format!("\"key{n}\":{{\"in\":{n},\"out\":1}}"))
            .collect();
        check(&format!("{{{}}}", members.join(",")), Ok(()));
        for twice in [0, count / 2, count - 1] {
            let text = format!("{{{},\"key{twice}\":0}}", members.join(","));
            check(&text, Err(Syntax::DuplicateMember));
            let text = format!(
                "[{{{},\"k\\u0065y{twice}\":0}},{{\"z\":1}}]",
                members.join(",")
            );
            check(&text, Err(Syntax::DuplicateMember));
        }
    }
}

#[test]
fn open_members_survive_the_closing_of_inner_objects() {
    // More members open than fit without allocating, spread over levels, each level with a duplicate of an outer name.
    let open: String = (0..10)
        .map(|level| {
            let members: String = (0..7).map(|n| format!("\"k{n}\":{level},")).collect();
            format!("{{{members}\"next\":")
        })
        .collect();
    let text = format!("{open}1{}", "}".repeat(10));
    check(&text, Ok(()));
    let text = format!("{open}1{}{}", "}".repeat(9), ",\"k3\":1}");
    check(&text, Err(Syntax::DuplicateMember));
    let text = format!("{open}1{}{}", "}".repeat(4), ",\"k3\":1}}}}}}");
    check(&text, Err(Syntax::DuplicateMember));
}

#[test]
fn nesting_is_bounded_exactly() {
    for depth_max in [1, 2, 64, 256] {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(read(&nested(depth_max), depth_max), Ok(()));
        assert_eq!(
            read(&nested(depth_max + 1), depth_max),
            Err(Syntax::TooDeep)
        );
        let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
        assert_eq!(read(&objects(depth_max), depth_max), Ok(()));
        assert_eq!(
            read(&objects(depth_max + 1), depth_max),
            Err(Syntax::TooDeep)
        );
    }
    assert_eq!(read(&"[".repeat(1_000_000), 64), Err(Syntax::TooDeep));
    assert_eq!(
        read("[[[]],[[]],[[]]]", 3),
        Ok(()),
        "closed levels do not count"
    );
}

#[test]
fn the_end_of_a_string_is_found_wherever_it_lies() {
    for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[at] = special;
                assert_eq!(find_special(&bytes, 0), at);
                assert_eq!(find_special(&bytes, at), at);
                assert_eq!(find_special(&bytes, at + 1), length);
            }
        }
    }
    let ordinary: Vec<u8> = (0x20..=0xFF)
        .filter(|byte| !matches!(byte, b'"' | b'\\'))
        .collect();
    for start in 0..8 {
        assert_eq!(find_special(&ordinary, start), ordinary.len());
    }
}

#[test]
fn decoding_gives_what_serde_json_gives() {
    for raw in [
        "",
        "plain",
        "ü\u{2028}",
        r#"\"\\\/\b\f\n\r\t"#,
        r"@u0061@u0041@u00e9@u20ACz",
        r"@ud83d@ude00@uD83D@uDE01!",
        r"\\u0041",
        r"@u0000",
    ] {
        let raw = raw.replace('@', "\\");
        let expected: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
        assert_eq!(decoded(&raw).collect::<String>(), expected);
    }
}
