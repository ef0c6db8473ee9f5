//! What attackers send.

use super::{ScanErrorKind, ScanLimits, Syntax, check_refused, one, refusal, scan, tools_call};
use crate::engine::mcp::limits::{
    ID_BYTES_MAX, METHOD_BYTES_MAX, NAME_BYTES_MAX, SUBSCRIPTIONS_MAX, URI_BYTES_MAX,
};

const DUPLICATE: ScanErrorKind = ScanErrorKind::Syntax(Syntax::DuplicateMember);

/// Beside the plain name, an escaped spelling is a duplicate before it is a look-alike.
fn check_look_alike(body: String) {
    let kind = refusal(&body).kind;
    assert!(
        matches!(kind, ScanErrorKind::LookAlikeMember) || kind == DUPLICATE,
        "{kind:?} {body}"
    );
}

#[test]
fn look_alike_members_of_the_message_are_refused() {
    for key in [
        "Method",
        "METHOD",
        "method ",
        " method",
        "method@u0000",
        "m@u0065thod",
        "method\u{200b}",
        "\u{feff}method",
        "\u{ff4d}ethod",
        "Params",
        "PARAMS",
        "param\u{17f}",
        "params@t",
        "p@u0061rams",
        "@u0070arams",
        "Id",
        "ID",
        "i@u0064",
        "\u{131}d",
        "\u{130}d",
        "id\u{ad}",
        "JSONRPC",
        "jsonRpc",
        "json@u0072pc",
        "Result",
        "Error",
        "error\u{200d}",
        "result\u{2060}",
        "result\u{e0072}",
    ] {
        let key = key.replace('@', "\\");
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","{key}":"x"}}"#);
        check_look_alike(body);
        let body = format!(r#"{{"{key}":"x","jsonrpc":"2.0","id":1,"method":"ping"}}"#);
        check_look_alike(body);
    }
}

#[test]
fn look_alike_members_of_params_are_refused() {
    for key in [
        "Name",
        "NAME",
        "n@u0061me",
        "na@u006de",
        "name ",
        "name@u0000",
        "name\u{345}",
        "\u{ff4e}ame",
        "Uri",
        "URI",
        "@u0075ri",
        "Arguments",
        "argument\u{17f}",
        "taskid",
        "TaskId",
        "ta\u{17f}kId",
        "tas\u{212a}Id",
        "_Meta",
        "_meta ",
        "_met@u0061",
        "Ref",
        "requestid",
        "RequestState",
        "inputresponses",
        "Cursor",
        "progresstoken",
        "ProtocolVersion",
        "Notifications",
        "Task",
        "LEVEL",
    ] {
        let key = key.replace('@', "\\");
        check_look_alike(tools_call(&format!(r#"{{"name":"a","{key}":"b"}}"#)));
        check_look_alike(tools_call(&format!(r#"{{"{key}":"b","name":"a"}}"#)));
    }
}

#[test]
fn look_alike_members_deeper_in_inspected_objects_are_refused() {
    for params in [
        r#"{"name":"a","_meta":{"io.modelcontextprotocol/ProtocolVersion":"x"}}"#,
        r#"{"name":"a","_meta":{"IO.modelcontextprotocol/protocolVersion":"x"}}"#,
        r#"{"name":"a","_meta":{"io.modelcontextprotocol/clientcapabilities":{}}}"#,
        r#"{"name":"a","_meta":{"io.modelcontextprotocol@u002fprotocolVersion":"x"}}"#,
        r#"{"name":"a","_meta":{"ProgressToken":1}}"#,
        r#"{"name":"a","_meta":{"TraceParent":"x"}}"#,
        r#"{"name":"a","ref":{"Type":"ref/prompt"}}"#,
        r#"{"name":"a","ref":{"type":"ref/prompt","name":"p","Name":"q"}}"#,
        r#"{"name":"a","ref":{"n@u0061me":"q"}}"#,
        r#"{"name":"a","notifications":{"resourcesubscriptions":["x"]}}"#,
        r#"{"name":"a","notifications":{"TaskIds":["x"]}}"#,
    ] {
        check_refused(
            tools_call(&params.replace('@', "\\")),
            ScanErrorKind::LookAlikeMember,
        );
    }
}

#[test]
fn unknown_members_that_look_like_nothing_pass() {
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":1,"ünknown":2,"方法":3,"X-Trace":[{"a":1}],"f@u006fo":1,"foo2":2}"#;
    one(&message.replace('@', "\\"));
    one(&tools_call(
        r#"{"name":"a","title":"b","Titel":1,"ünknown":{},"naming":1,"names":2,"task_id":3,"_metadata":4}"#,
    ));
    one(&tools_call(
        r#"{"name":"a","_meta":{"com.example/Name":1,"baggage":"x","name":1,"Method":2}}"#,
    ));
}

#[test]
fn look_alikes_inside_arguments_pass_and_exact_duplicates_do_not() {
    let arguments =
        r#"{"name":1,"Name":2,"n@u0061mes":3,"method":{"Method":1}}"#.replace('@', "\\");
    one(&tools_call(&format!(
        r#"{{"name":"a","arguments":{arguments}}}"#
    )));
    one(&tools_call(
        r#"{"name":"a","inputResponses":{"k":{"action":"accept","Action":1}}}"#,
    ));
    for arguments in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"@u0061":1}"#,
        r#"{"x":[[{"y":{"b":1,"c":2,"b":1}}]]}"#,
    ] {
        let arguments = arguments.replace('@', "\\");
        check_refused(
            tools_call(&format!(r#"{{"name":"a","arguments":{arguments}}}"#)),
            DUPLICATE,
        );
    }
}

#[test]
fn duplicates_are_refused_at_every_inspected_level() {
    for body in [
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":1,"x":1}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#.to_owned(),
        tools_call(r#"{"name":"a","name":"a"}"#),
        tools_call(r#"{"name":"a","arguments":{},"arguments":{}}"#),
        tools_call(r#"{"name":"a","_meta":{},"_meta":{}}"#),
        tools_call(r#"{"name":"a","_meta":{"x":1,"x":1}}"#),
        tools_call(r#"{"name":"a","ref":{"name":"x","name":"y"}}"#),
        tools_call(r#"{"name":"a","x":{"y":1,"y":1}}"#),
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":{"b":1,"b":2}}}"#.to_owned(),
    ] {
        check_refused(body, DUPLICATE);
    }
}

#[test]
fn ids_are_strings_or_integers_written_one_way() {
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    for id in [
        "0",
        "-1",
        "1",
        "9223372036854775808",
        "\"\"",
        "\"a\"",
        "\"1\"",
        "\"\\u0061\\n\"",
        "\"é\"",
    ] {
        let body = ping(id);
        assert_eq!(
            one(&body).request_id().unwrap().raw(body.as_bytes()),
            id.as_bytes()
        );
    }
    for id in [
        "null", "true", "1.0", "1e0", "1E0", "0.5", "-0", "[]", "[1]", "{}",
    ] {
        check_refused(ping(id), ScanErrorKind::IdInvalid);
    }
    for id in ["01", "-"] {
        check_refused(ping(id), ScanErrorKind::Syntax(Syntax::BadNumber));
    }
    check_refused(
        r#"{"jsonrpc":"2.0","id":null,"error":{}}"#,
        ScanErrorKind::IdInvalid,
    );
}

#[test]
fn the_version_of_json_rpc_is_written_one_way() {
    for version in [
        "\"1.0\"",
        "\"2\"",
        "2.0",
        "2",
        "null",
        "\"2\\u002e0\"",
        "\"2.0 \"",
        "[\"2.0\"]",
    ] {
        check_refused(
            format!(r#"{{"jsonrpc":{version},"id":1,"method":"ping"}}"#),
            ScanErrorKind::NotJsonRpc,
        );
    }
    check_refused(r#"{"id":1,"method":"ping"}"#, ScanErrorKind::NotJsonRpc);
}

#[test]
fn a_method_is_a_string_that_looks_like_no_other() {
    let call = |method: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method},"params":{{"name":"a"}}}}"#)
    };
    for method in ["1", "null", "[\"ping\"]", "{}", "true"] {
        check_refused(call(method), ScanErrorKind::MethodInvalid);
    }
    for method in [
        "Tools/Call",
        "TOOLS/CALL",
        "tools/call ",
        " tools/call",
        "tool\u{17f}/call",
        "tools/call\u{200b}",
        "\u{ff54}ools/call",
        "tools/ call",
        "Ping",
        "Notifications/initialized",
    ] {
        check_refused(
            call(&format!("\"{method}\"")),
            ScanErrorKind::LookAlikeMethod,
        );
    }
    for method in [
        "\"tools/call\\u0000\"",
        "\"tools/call\\n\"",
        "\"tools/call\u{7f}\"",
    ] {
        check_refused(
            call(method),
            ScanErrorKind::ParamInvalid { member: "method" },
        );
    }
}

#[test]
fn what_policy_needs_must_be_there_with_its_type() {
    for (method, params, member) in [
        ("tools/call", "{}", "name"),
        ("tools/call", r#"{"name":null}"#, "name"),
        ("tools/call", r#"{"name":["a"]}"#, "name"),
        ("tools/call", r#"{"name":1}"#, "name"),
        ("tools/call", r#"{"uri":"a"}"#, "name"),
        ("tools/call", "{\"name\":\"a\\u0000b\"}", "name"),
        ("tools/call", r#"{"name":"a\nb"}"#, "name"),
        ("prompts/get", "{}", "name"),
        ("resources/read", r#"{"name":"a"}"#, "uri"),
        ("resources/subscribe", r#"{"uri":{}}"#, "uri"),
        ("tasks/get", r#"{"taskId":1}"#, "taskId"),
        ("completion/complete", "{}", "ref"),
        ("completion/complete", r#"{"ref":"ref/prompt"}"#, "ref"),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","uri":"u"}}"#,
            "ref",
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/tool","name":"u"}}"#,
            "ref",
        ),
        ("completion/complete", r#"{"ref":{"name":"u"}}"#, "ref"),
        ("subscriptions/listen", "{}", "notifications"),
        (
            "subscriptions/listen",
            r#"{"notifications":[]}"#,
            "notifications",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":"a"}}"#,
            "resourceSubscriptions",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":["a",1]}}"#,
            "resourceSubscriptions",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"taskIds":[null]}}"#,
            "taskIds",
        ),
        ("ping", r#"{"_meta":[]}"#, "_meta"),
        (
            "ping",
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}"#,
            "_meta protocolVersion",
        ),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        check_refused(body, ScanErrorKind::ParamInvalid { member });
    }
    check_refused(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        ScanErrorKind::ParamInvalid { member: "name" },
    );
    for params in ["[]", "null", "\"x\"", "1"] {
        check_refused(tools_call(params), ScanErrorKind::ParamsInvalid);
    }
}

#[test]
fn what_decides_is_bounded_exactly() {
    let string = |len: usize| "a".repeat(len);
    let call = |member: &str, len: usize| {
        tools_call(&format!(r#"{{"name":"a","{member}":"{}"}}"#, string(len)))
    };
    for (member, max) in [("uri", URI_BYTES_MAX), ("taskId", NAME_BYTES_MAX)] {
        one(&call(member, max));
        check_refused(
            call(member, max + 1),
            ScanErrorKind::TooLong { member, max },
        );
    }
    let id = |len: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#,
            string(len)
        )
    };
    one(&id(ID_BYTES_MAX - 2));
    check_refused(
        id(ID_BYTES_MAX - 1),
        ScanErrorKind::TooLong {
            member: "id",
            max: ID_BYTES_MAX,
        },
    );
    let method = |len: usize| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, string(len));
    one(&method(METHOD_BYTES_MAX));
    check_refused(
        method(METHOD_BYTES_MAX + 1),
        ScanErrorKind::TooLong {
            member: "method",
            max: METHOD_BYTES_MAX,
        },
    );
    let listen = |count: usize| {
        let params = format!(
            r#"{{"notifications":{{"resourceSubscriptions":[{}]}}}}"#,
            vec!["\"u\""; count].join(",")
        );
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{params}}}"#)
    };
    one(&listen(SUBSCRIPTIONS_MAX));
    let member = "resourceSubscriptions";
    check_refused(
        listen(SUBSCRIPTIONS_MAX + 1),
        ScanErrorKind::TooLong {
            member,
            max: SUBSCRIPTIONS_MAX,
        },
    );
}

#[test]
fn bytes_that_are_not_one_json_document_are_refused() {
    check_refused(b"\xEF\xBB\xBF{}", ScanErrorKind::ByteOrderMark);
    check_refused(b"\xFE\xFF", ScanErrorKind::InvalidUtf8);
    check_refused(b"{\"\xC0\xAF\":1}", ScanErrorKind::InvalidUtf8);
    check_refused(b"{\"a\":\"\xED\xA0\x80\"}", ScanErrorKind::InvalidUtf8);
    assert_eq!(refusal(b"{\"ab\":\"\xFF\"}").at, 7);
    check_refused("", ScanErrorKind::Syntax(Syntax::Truncated));
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for rest in ["{}", "x", "\0", ",", ping] {
        check_refused(
            format!("{ping}{rest}"),
            ScanErrorKind::Syntax(Syntax::TrailingBytes),
        );
    }
    one(&format!("\r\n\t {ping}\n"));
    for cut in 0..ping.len() {
        check_refused(&ping[..cut], ScanErrorKind::Syntax(Syntax::Truncated));
    }
    for value in ["1", "\"x\"", "null", "true"] {
        check_refused(value, ScanErrorKind::NotAnObject);
    }
}

#[test]
fn nesting_is_bounded_wherever_it_happens() {
    const TOO_DEEP: ScanErrorKind = ScanErrorKind::Syntax(Syntax::TooDeep);
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    // Arguments begin at the third level.
    one(&tools_call(&format!(
        r#"{{"name":"a","arguments":{}}}"#,
        nested(62)
    )));
    check_refused(
        tools_call(&format!(r#"{{"name":"a","arguments":{}}}"#, nested(63))),
        TOO_DEEP,
    );
    check_refused(
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, nested(64)),
        TOO_DEEP,
    );
    check_refused(format!(r#"{{"x":{}}}"#, nested(100_000)), TOO_DEEP);
    check_refused(nested(100_000), TOO_DEEP);
    let limits = ScanLimits {
        depth_max: usize::MAX,
        ..ScanLimits::default()
    };
    let body = format!(r#"{{"x":{}}}"#, nested(1_000_000));
    assert_eq!(
        scan(body.as_bytes(), &limits).unwrap_err().kind,
        TOO_DEEP,
        "no configuration lifts the cap"
    );
}
