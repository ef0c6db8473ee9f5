#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::listing::read_listing;
use super::{PARAMS_MAX, ParamHeaders, ParamMismatch, SchemaError};

fn string(annotation: &str) -> String {
    format!(r#"{{"type":"string","x-mcp-header":{annotation}}}"#)
}

fn schema(properties: &str) -> String {
    format!(r#"{{"type":"object","properties":{{{properties}}}}}"#)
}

#[test]
fn annotations_hold_where_properties_lead_and_nowhere_else() {
    use SchemaError::{NotAToken, NotPrimitive, OutOfPlace, Repeated, Unreadable};
    let region = string(r#""Region""#);
    let of_type = |kind: &str| format!(r#""a":{{"type":{kind},"x-mcp-header":"A"}}"#);
    let below = |keyword: &str, value: &str| schema(&format!(r#""a":{{"{keyword}":{value}}}"#));
    for (schema, expected) in [
        ("{}".to_owned(), Ok(0)),
        (schema(&format!(r#""a":{region}"#)), Ok(1)),
        (below("properties", &format!(r#"{{"b":{region}}}"#)), Ok(1)),
        (schema(&of_type("\"integer\"")), Ok(1)),
        (schema(&of_type("\"boolean\"")), Ok(1)),
        (schema(&of_type("\"number\"")), Err(NotPrimitive)),
        (schema(&of_type("\"object\"")), Err(NotPrimitive)),
        (schema(&of_type("[\"string\"]")), Err(NotPrimitive)),
        (schema(r#""a":{"x-mcp-header":"A"}"#), Err(NotPrimitive)),
        (
            schema(&format!(r#""a":{}"#, string("\"\""))),
            Err(NotAToken),
        ),
        (
            schema(&format!(r#""a":{}"#, string("\"a b\""))),
            Err(NotAToken),
        ),
        (
            schema(&format!(r#""a":{}"#, string("\"a\\r\\n\""))),
            Err(NotAToken),
        ),
        (
            schema(&format!(r#""a":{}"#, string("\"ä\""))),
            Err(NotAToken),
        ),
        (schema(&format!(r#""a":{}"#, string("1"))), Err(NotAToken)),
        (
            schema(&format!(
                r#""a":{},"b":{}"#,
                string(r#""X-y""#),
                string(r#""x-Y""#)
            )),
            Err(Repeated),
        ),
        (
            schema(&format!(
                r#""a":{},"b":{}"#,
                string(r#""X""#),
                string(r#""Y""#)
            )),
            Ok(2),
        ),
        (region.clone(), Err(OutOfPlace)),
        (below("items", &region), Err(OutOfPlace)),
        (below("anyOf", &format!("[{region}]")), Err(OutOfPlace)),
        (below("items", &format!("[{region}]")), Err(OutOfPlace)),
        (below("not", &region), Err(OutOfPlace)),
        (below("if", &region), Err(OutOfPlace)),
        (below("additionalProperties", &region), Err(OutOfPlace)),
        (
            below("patternProperties", &format!(r#"{{"x":{region}}}"#)),
            Err(OutOfPlace),
        ),
        (
            below("items", &schema(&format!(r#""b":{region}"#))),
            Err(OutOfPlace),
        ),
        (format!(r#"{{"$defs":{{"a":{region}}}}}"#), Err(OutOfPlace)),
        (below("default", &region), Ok(0)),
        (below("enum", &format!("[{region}]")), Ok(0)),
        (schema(r#""x-mcp-header":{"type":"string"}"#), Ok(0)),
        (
            schema(r#""a":{"type":"string","x-mcp-\u0068eader":"A"}"#),
            Ok(1),
        ),
        (r#"{"x-mcp-header":"#.to_owned(), Err(Unreadable)),
    ] {
        let found = ParamHeaders::of_schema(schema.as_bytes());
        assert_eq!(found.map(|found| found.params.len()), expected, "{schema}");
    }
}

#[test]
fn annotations_are_bounded() {
    let many = |count: usize| {
        let params: Vec<_> = (0..count)
            .map(|at| format!(r#""p{at}":{}"#, string(&format!("\"P{at}\""))))
            .collect();
        ParamHeaders::of_schema(schema(&params.join(",")).as_bytes())
    };
    assert!(many(PARAMS_MAX).is_ok());
    assert_eq!(many(PARAMS_MAX + 1), Err(SchemaError::TooMany));
    let deep = format!("{}{}", r#"{"x-mcp-header":["#, "[".repeat(100_000));
    assert_eq!(
        ParamHeaders::of_schema(deep.as_bytes()),
        Err(SchemaError::Unreadable)
    );
}

#[test]
fn fields_and_arguments_must_say_the_same() {
    use ParamMismatch::{Different, Malformed, Missing, Repeated, Unfounded};
    let nested = schema(r#""in":{"type":"integer","x-mcp-header":"In"}"#);
    let properties = format!(
        r#""r":{},"n":{{"type":"integer","x-mcp-header":"N"}},"b":{{"type":"boolean","x-mcp-header":"B"}},"o":{nested}"#,
        string(r#""Region""#)
    );
    let params = ParamHeaders::of_schema(schema(&properties).as_bytes()).unwrap();
    type Fields = &'static [(&'static str, &'static str)];
    let cases: &[(&str, Fields, Result<(), ParamMismatch>)] = &[
        ("{}", &[], Ok(())),
        (r#"{"r":"x"}"#, &[("Mcp-Param-Region", "x")], Ok(())),
        (r#"{"r":"x"}"#, &[("mcp-param-region", "x")], Ok(())),
        (
            r#"{"r":"x"}"#,
            &[("mcp-param-region", "x"), ("mcp-param-other", "?")],
            Ok(()),
        ),
        (r#"{"r":"x"}"#, &[("mcp-param-region", "X")], Err(Different)),
        (r#"{"r":"x"}"#, &[], Err(Missing)),
        (r#"{"r":"x"}"#, &[("mcp-param-other", "x")], Err(Missing)),
        (
            r#"{"r":"x"}"#,
            &[("mcp-param-region", "x"), ("Mcp-Param-Region", "x")],
            Err(Repeated),
        ),
        (r#"{"r":null}"#, &[], Ok(())),
        (
            r#"{"r":null}"#,
            &[("mcp-param-region", "null")],
            Err(Unfounded),
        ),
        ("{}", &[("mcp-param-region", "x")], Err(Unfounded)),
        ("[]", &[("mcp-param-region", "x")], Err(Unfounded)),
        (r#"{"r":["x"]}"#, &[], Ok(())),
        (
            r#"{"r":["x"]}"#,
            &[("mcp-param-region", "x")],
            Err(Unfounded),
        ),
        (
            r#"{"r":"Hello"}"#,
            &[("mcp-param-region", "=?base64?SGVsbG8=?=")],
            Ok(()),
        ),
        (
            r#"{"r":"Hello"}"#,
            &[("mcp-param-region", "=?base64?SGVsbG8?=")],
            Err(Malformed),
        ),
        (
            r#"{"r":"Hello"}"#,
            &[("mcp-param-region", "=?base64?SGVs!!!bG8=?=")],
            Err(Malformed),
        ),
        (
            r#"{"r":"Hello"}"#,
            &[("mcp-param-region", "=?BASE64?SGVsbG8=?=")],
            Err(Different),
        ),
        (
            r#"{"r":"SGVsbG8="}"#,
            &[("mcp-param-region", "SGVsbG8=")],
            Ok(()),
        ),
        (
            r#"{"r":"=?base64?SGVsbG8="}"#,
            &[("mcp-param-region", "=?base64?SGVsbG8=")],
            Ok(()),
        ),
        (
            r#"{"r":"\u00fcber"}"#,
            &[("mcp-param-region", "=?base64?w7xiZXI=?=")],
            Ok(()),
        ),
        (
            r#"{"r":"über"}"#,
            &[("mcp-param-region", "über")],
            Err(Malformed),
        ),
        (
            r#"{"r":"a\tb"}"#,
            &[("mcp-param-region", "a\tb")],
            Err(Malformed),
        ),
        (r#"{"r":""}"#, &[("mcp-param-region", "")], Ok(())),
        (r#"{"\u0072":"x"}"#, &[], Err(Missing)),
        (r#"{"n":42}"#, &[("mcp-param-n", "42")], Ok(())),
        (r#"{"n":42}"#, &[("mcp-param-n", "42.0")], Ok(())),
        (r#"{"n":42.0}"#, &[("mcp-param-n", "42")], Ok(())),
        (r#"{"n":42}"#, &[("mcp-param-n", "=?base64?NDI=?=")], Ok(())),
        (r#"{"n":42}"#, &[("mcp-param-n", "43")], Err(Different)),
        (r#"{"n":42}"#, &[("mcp-param-n", "+42.")], Err(Different)),
        (r#"{"n":42}"#, &[("mcp-param-n", "0x2a")], Err(Different)),
        (
            r#"{"n":9007199254740993}"#,
            &[("mcp-param-n", "9007199254740992.0")],
            Err(Different),
        ),
        (
            r#"{"n":9007199254740993}"#,
            &[("mcp-param-n", "9007199254740993")],
            Ok(()),
        ),
        (r#"{"n":"42"}"#, &[("mcp-param-n", "42")], Ok(())),
        (r#"{"b":true}"#, &[("mcp-param-b", "true")], Ok(())),
        (r#"{"b":true}"#, &[("mcp-param-b", "True")], Err(Different)),
        (r#"{"b":false}"#, &[("mcp-param-b", "true")], Err(Different)),
        (r#"{"o":{"in":1}}"#, &[("mcp-param-in", "1")], Ok(())),
        (r#"{"o":{"in":1}}"#, &[], Err(Missing)),
        (r#"{"o":[1]}"#, &[], Ok(())),
        (r#"{"in":1}"#, &[], Ok(())),
    ];
    for (arguments, fields, expected) in cases {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        let found = params.agree(Some(arguments), fields.clone());
        assert_eq!(found, *expected, "{arguments} {fields:?}");
    }
    assert_eq!(params.agree(None, [].into_iter()), Ok(()));
}

#[test]
fn unsound_tools_leave_the_list_and_the_others_keep_their_bytes() {
    let good = format!(
        r#"{{ "name":"good", "n": 1.0, "inputSchema":{} }}"#,
        schema(&format!(r#""r":{}"#, string("\"R\"")))
    );
    let bad = format!(
        r#"{{"name":"bad","inputSchema":{}}}"#,
        schema(&format!(r#""r":{}"#, string("\"\"")))
    );
    let plain = r#"{"name":"plain","inputSchema":{"type":"object"}}"#;
    let answer = |items: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{items}], "nextCursor":"a\"b"}}}}"#)
    };
    for (items, expected) in [
        (format!("{bad} , {good},{plain}"), format!("{good},{plain}")),
        (format!("{good},{bad}"), good.clone()),
        (bad.clone(), String::new()),
    ] {
        let listing = read_listing(answer(&items).as_bytes()).unwrap();
        assert_eq!(listing.pruned.unwrap(), answer(&expected).into_bytes());
        assert_eq!(listing.unsound, [("bad".into(), SchemaError::NotAToken)]);
        assert_eq!(listing.next_cursor.as_deref(), Some(r#""a\"b""#));
    }
    let listing = read_listing(answer(&format!("{plain},{good},{{}},1")).as_bytes()).unwrap();
    assert_eq!(listing.pruned, None);
    let names: Vec<_> = listing
        .tools
        .iter()
        .map(|(name, params)| (&**name, params.is_empty()))
        .collect();
    assert_eq!(names, [("plain", true), ("good", false)]);
}

#[test]
fn other_answers_are_no_listing() {
    for message in [
        "",
        "{}",
        r#"{"result":{}}"#,
        r#"{"result":{"tools":null}}"#,
        r#"{"error":{"tools":[]}}"#,
        r#"{"result":{"tools":[],"tools":[]}}"#,
    ] {
        assert_eq!(read_listing(message.as_bytes()), None, "{message}");
    }
}
