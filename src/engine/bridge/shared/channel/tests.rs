#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::super::outcome::{
    Delivery, EVENT_BYTES_MAX, Ignored, OWNER_REQUESTS_MAX, OpenError, REQUESTS_MAX, Received,
    RequestKey,
};
use super::Channel;
use crate::engine::bridge::state_seal::StateSeal;
use crate::engine::seal::Sealer;
use crate::engine::session::Owner;

/// Seconds at which nothing has expired.
const NOW: u64 = 1_000;

fn channel() -> Channel {
    Channel::new(StateSeal::new(Sealer::new(&[7; 32]), "s"))
}

fn owner(digit: char) -> Owner {
    Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
}

fn request(id: &str, method: &str, params: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#).into_bytes()
}

fn call(id: &str, meta: &str) -> Vec<u8> {
    request(
        id,
        "tools/call",
        &format!(r#"{{"name":"t","_meta":{{{meta}}}}}"#),
    )
}

/// Opens `message` and returns what the server gets.
fn open(channel: &mut Channel, message: &[u8]) -> String {
    String::from_utf8(channel.open(owner('a'), message, NOW).unwrap().message).unwrap()
}

/// The messages that `message` of the server makes, each with its request's number and whether it is the last.
fn delivered(channel: &mut Channel, message: &str) -> Vec<(u64, String, bool)> {
    match channel.receive(message.as_bytes(), NOW) {
        Received::Deliver(deliveries) => deliveries
            .into_iter()
            .map(
                |Delivery {
                     key,
                     message,
                     is_last,
                     is_lossy: _,
                 }| { (key.0, String::from_utf8(message).unwrap(), is_last) },
            )
            .collect(),
        other => panic!("{message} is not delivered: {other:?}"),
    }
}

fn ignored(channel: &mut Channel, message: &str) -> Ignored {
    match channel.receive(message.as_bytes(), NOW) {
        Received::Ignore(why) => why,
        other => panic!("{message} is not ignored: {other:?}"),
    }
}

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

fn notice(method: &str, subscription: Option<u64>) -> String {
    let meta = subscription.map_or(String::new(), |number| {
        format!(r#","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{number}}}}}"#)
    });
    format!(r#"{{"jsonrpc":"2.0","method":"{method}"{meta}}}"#)
}

fn listen(channel: &mut Channel, id: &str, filter: &str) {
    let params = format!(r#"{{"notifications":{filter},"_meta":{{}}}}"#);
    let _ = open(channel, &request(id, "subscriptions/listen", &params));
}

#[test]
fn ids_and_tokens_come_back_byte_for_byte() {
    for id in [
        "1",
        r#""1""#,
        r#""listen:0""#,
        "9223372036854775808",
        "-7",
        r#""a\"\\\/\u00e9\ud83d\ude00""#,
        r#""""#,
    ] {
        let mut channel = channel();
        let message = call(id, &format!(r#""progressToken":{id},"x":1.0"#));
        assert_eq!(
            open(&mut channel, &message),
            String::from_utf8(call("1", r#""progressToken":1,"x":1.0"#)).unwrap()
        );
        let progress = |token: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progress":1.50,"progressToken":{token}}}}}"#
            )
        };
        assert_eq!(
            delivered(&mut channel, &progress("1")),
            [(1, progress(id), false)]
        );
        let result = |id: &str| {
            format!(
                r#"{{ "result":{{"n":12345678901234567890,"_meta":{{"id":1}}}}, "jsonrpc":"2.0","id":{id} }}"#
            )
        };
        assert_eq!(
            delivered(&mut channel, &result("1")),
            [(1, result(id), true)]
        );
        assert_eq!(ignored(&mut channel, &result("1")), Ignored::Late);
        assert_eq!(ignored(&mut channel, &progress("1")), Ignored::Late);
    }
}

#[test]
fn nothing_reaches_a_request_that_it_does_not_name() {
    let mut channel = channel();
    let _ = open(&mut channel, &call("5", ""));
    for (message, why) in [
        (r#"{"jsonrpc":"2.0","id":5,"result":{}}"#, Ignored::Foreign),
        (
            r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
            Ignored::Foreign,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#,
            Ignored::Foreign,
        ),
        (r#"{"jsonrpc":"2.0","id":-1,"result":{}}"#, Ignored::Foreign),
        (r#"{"jsonrpc":"2.0","id":0,"result":{}}"#, Ignored::Foreign),
        (
            r#"{"jsonrpc":"2.0","id":99999999999999999999,"result":{}}"#,
            Ignored::Foreign,
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{}}"#,
            Ignored::Foreign,
        ),
        (r#"{"jsonrpc":"2.0","error":{}}"#, Ignored::Foreign),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
            Ignored::NotAMessage,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            Ignored::NotAMessage,
        ),
        (r#"{"jsonrpc":"2.0","id":1}"#, Ignored::NotAMessage),
        (
            r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
            Ignored::NotAMessage,
        ),
        ("hello", Ignored::NotAMessage),
        ("", Ignored::NotAMessage),
        (
            r#"{"method":"notifications/progress","params":{"progressToken":1}}"#,
            Ignored::Unasked,
        ),
        (
            r#"{"method":"notifications/progress","params":{"progressToken":"1"}}"#,
            Ignored::Foreign,
        ),
        (r#"{"method":"notifications/progress"}"#, Ignored::Foreign),
        (
            r#"{"method":"notifications/message","params":{}}"#,
            Ignored::Unasked,
        ),
        (
            r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#,
            Ignored::Unasked,
        ),
        (
            r#"{"method":"notifications/tools/list_changed"}"#,
            Ignored::Unasked,
        ),
        (r#"{"method":"notifications/odd"}"#, Ignored::Ambiguous),
    ] {
        assert_eq!(ignored(&mut channel, message), why, "{message}");
    }
    let tagged = notice("notifications/odd", Some(1));
    assert_eq!(ignored(&mut channel, &tagged), Ignored::Unasked);
    assert_eq!(channel.len(), 1);
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error_for_its_request() {
    let mut channel = channel();
    let _ = open(&mut channel, &call("\"x\"", ""));
    let message = r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"_meta":{}}}"#;
    let expected = r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"upstream answer not usable"}}"#;
    assert_eq!(
        delivered(&mut channel, message),
        [(1, expected.to_owned(), true)]
    );
}

#[test]
fn requests_of_the_server_are_refused() {
    let mut channel = channel();
    let message = br#"{"jsonrpc":"2.0","id":"r\n1","method":"roots/list"}"#;
    let refusal =
        r#"{"jsonrpc":"2.0","id":"r\n1","error":{"code":-32601,"message":"method not found"}}"#;
    assert_eq!(
        channel.receive(message, NOW),
        Received::Refuse(refusal.into())
    );
}

#[test]
fn a_cancelled_request_is_told_once_and_its_late_answer_reaches_nobody() {
    let mut channel = channel();
    let first = channel.open(owner('a'), &call("1", ""), NOW).unwrap();
    let _ = open(&mut channel, &call("1", ""));
    let told = String::from_utf8(channel.cancel(first.key, NOW).unwrap()).unwrap();
    assert!(
        told.contains(r#""method":"notifications/cancelled""#),
        "{told}"
    );
    assert!(told.contains(r#""requestId":1,"#), "{told}");
    assert_eq!(channel.cancel(first.key, NOW), None);
    let late = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(ignored(&mut channel, late), Ignored::Late);
    let third = channel.open(owner('a'), &call("1", ""), NOW).unwrap();
    assert_eq!(third.key.0, 3, "no number is used twice");
    channel.end();
    assert!(channel.is_empty());
    assert_eq!(channel.cancel(third.key, NOW), None);
}

#[test]
fn a_message_goes_out_as_one_line() {
    let mut channel = channel();
    let pretty = b"{\r\n \"jsonrpc\": \"2.0\",\n\"id\": 7, \"method\": \"tools/list\"\n}\n";
    let line = open(&mut channel, pretty);
    assert_eq!(
        line,
        r#"{   "jsonrpc": "2.0", "id": 1, "method": "tools/list" } "#
    );
}

#[test]
fn what_is_no_single_request_does_not_open() {
    let mut channel = channel();
    for message in [
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#,
        "x",
    ] {
        let opened = channel.open(owner('a'), message.as_bytes(), NOW);
        assert_eq!(opened, Err(OpenError::NotARequest), "{message}");
    }
}

#[test]
fn methods_of_earlier_revisions_never_reach_the_server() {
    let mut channel = channel();
    let modern =
        r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"uri":"a:b"}"#;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
    ] {
        for params in [modern, r#"{"uri":"a:b"}"#] {
            let opened = channel.open(owner('a'), &request("1", method, params), NOW);
            assert_eq!(opened, Err(OpenError::Gone), "{method} {params}");
        }
    }
    assert!(
        channel
            .open(owner('a'), &request("1", "com.example/new", "{}"), NOW)
            .is_ok()
    );
}

#[test]
fn open_requests_are_bounded() {
    let mut channel = channel();
    let message = request("1", "tools/list", "{}");
    let fill = |channel: &mut Channel, digit| {
        let mut opened = 0;
        loop {
            match channel.open(owner(digit), &message, NOW) {
                Ok(_) => opened += 1,
                Err(error) => return (opened, error),
            }
        }
    };
    let most = OWNER_REQUESTS_MAX;
    assert_eq!(fill(&mut channel, 'a'), (most, OpenError::OwnerFull));
    assert_eq!(
        fill(&mut channel, 'b'),
        (REQUESTS_MAX - most, OpenError::Full)
    );
    let _ = delivered(&mut channel, r#"{"jsonrpc":"2.0","id":9,"result":{}}"#);
    assert!(channel.cancel(RequestKey(10), NOW).is_some());
    assert_eq!(fill(&mut channel, 'a'), (2, OpenError::Full));
    channel.end();
    assert_eq!(fill(&mut channel, 'a'), (most, OpenError::OwnerFull));
}

#[test]
fn log_messages_reach_the_one_request_that_asked_for_them() {
    let mut channel = channel();
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#;
    let wants = r#""io.modelcontextprotocol/logLevel":"debug""#;
    let _ = open(&mut channel, &call("1", ""));
    assert_eq!(ignored(&mut channel, log), Ignored::Unasked);
    let second = channel.open(owner('a'), &call("1", wants), NOW).unwrap();
    assert_eq!(delivered(&mut channel, log), [(2, log.to_owned(), false)]);
    let _ = open(&mut channel, &call("1", wants));
    assert_eq!(ignored(&mut channel, log), Ignored::Ambiguous);
    let _ = channel.cancel(second.key, NOW);
    assert_eq!(delivered(&mut channel, log), [(3, log.to_owned(), false)]);
}

#[test]
fn log_messages_never_reach_another_identity() {
    let mut channel = channel();
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#;
    let wants = r#""io.modelcontextprotocol/logLevel":"debug""#;
    let cancelled = channel.open(owner('a'), &call("1", wants), NOW).unwrap();
    let _ = channel.cancel(cancelled.key, NOW);
    channel.open(owner('b'), &call("1", wants), NOW).unwrap();
    assert_eq!(ignored(&mut channel, log), Ignored::Ambiguous, "cancelled");
    assert_eq!(
        ignored(&mut channel, r#"{"id":1,"result":{}}"#),
        Ignored::Late
    );
    assert_eq!(delivered(&mut channel, log).len(), 1, "over at last");
    channel.open(owner('a'), &call("1", ""), NOW).unwrap();
    assert_eq!(ignored(&mut channel, log), Ignored::Ambiguous, "unasked");
}

#[test]
fn a_request_that_is_called_like_a_notification_goes_nowhere() {
    let mut channel = channel();
    for method in [
        "notifications/cancelled",
        r"notifications\/cancelled",
        "notifications/x",
    ] {
        let named = request("1", method, r#"{"requestId":1}"#);
        assert_eq!(
            channel.open(owner('a'), &named, NOW).unwrap_err(),
            OpenError::Gone
        );
    }
    assert!(channel.is_empty());
}

#[test]
fn subscriptions_carry_the_id_of_the_clients_listen() {
    let mut channel = channel();
    listen(
        &mut channel,
        r#""listen:0""#,
        r#"{"toolsListChanged":true}"#,
    );
    let tools = "notifications/tools/list_changed";
    assert_eq!(
        ignored(&mut channel, &notice(tools, Some(1))),
        Ignored::BeforeAcknowledgement
    );
    let tagged = |method: &str| notice(method, Some(1)).replace(":1}", r#":"listen:0"}"#);
    for method in [ACKNOWLEDGED, tools, "notifications/com.example/extra"] {
        assert_eq!(
            delivered(&mut channel, &notice(method, Some(1))),
            [(1, tagged(method), false)],
            "{method}"
        );
    }
    for method in [
        "notifications/prompts/list_changed",
        "notifications/resources/updated",
        "notifications/progress",
        "notifications/message",
    ] {
        assert_eq!(
            ignored(&mut channel, &notice(method, Some(1))),
            Ignored::Unasked,
            "{method}"
        );
    }
    let end = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
        )
    };
    assert_eq!(
        delivered(&mut channel, &end("1")),
        [(1, end(r#""listen:0""#), true)]
    );
    assert!(channel.is_empty());
}

#[test]
fn an_untagged_change_reaches_every_listen_that_asked_and_is_tagged_for_each() {
    let mut channel = channel();
    listen(
        &mut channel,
        "7",
        r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
    );
    listen(&mut channel, r#""7""#, r#"{"toolsListChanged":true}"#);
    listen(
        &mut channel,
        "8",
        r#"{"toolsListChanged":false,"promptsListChanged":true}"#,
    );
    listen(&mut channel, "9", r#"{"toolsListChanged":true}"#);
    for number in 1..=3 {
        let _ = delivered(&mut channel, &notice(ACKNOWLEDGED, Some(number)));
    }
    let tools = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let found = delivered(&mut channel, tools);
    let to = |id: &str| {
        format!(
            r#"{{"params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}},"jsonrpc":"2.0","method":"notifications/tools/list_changed"}}"#
        )
    };
    assert_eq!(found, [(1, to("7"), false), (2, to(r#""7""#), false)]);

    let updated = |meta: &str| {
        format!(r#"{{"method":"notifications/resources/updated","params":{{{meta}"uri":"a:b"}}}}"#)
    };
    let tag = r#""io.modelcontextprotocol/subscriptionId":7"#;
    for (meta, expected) in [
        (String::new(), format!(r#""_meta":{{{tag}}},"#)),
        (r#""_meta":{},"#.into(), format!(r#""_meta":{{{tag}}},"#)),
        (
            r#""_meta":{"x":1},"#.into(),
            format!(r#""_meta":{{{tag},"x":1}},"#),
        ),
        (r#""_meta":null,"#.into(), format!(r#""_meta":{{{tag}}},"#)),
    ] {
        assert_eq!(
            delivered(&mut channel, &updated(&meta)),
            [(1, updated(&expected), false)]
        );
    }
    let other = updated("").replace("a:b", "a:c");
    assert_eq!(ignored(&mut channel, &other), Ignored::Unasked);
    let padding = "x".repeat(EVENT_BYTES_MAX);
    let long = updated(&format!(r#""x":"{padding}","#));
    assert_eq!(ignored(&mut channel, &long), Ignored::TooLarge);
}

#[test]
fn a_server_ends_a_subscription_with_its_clients_id() {
    let end = |id: &str, meta: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}{meta}}}}}"#
        )
    };
    let tag = |id: &str| format!(r#","_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
    for (from, to) in [(String::new(), String::new()), (tag("1"), tag(r#""l""#))] {
        let mut channel = channel();
        listen(&mut channel, r#""l""#, "{}");
        assert_eq!(
            delivered(&mut channel, &end("1", &from)),
            [(1, end(r#""l""#, &to), true)]
        );
        assert_eq!(ignored(&mut channel, &end("1", &from)), Ignored::Late);
    }
}

#[test]
fn a_request_state_goes_out_sealed_and_comes_back_for_the_same_call_alone() {
    let mut channel = channel();
    let _ = open(&mut channel, &call("1", ""));
    let state = r#""st\/ate""#;
    let found = delivered(
        &mut channel,
        &format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"input_required","requestState":{state}}}}}"#
        ),
    );
    let (_, answer, _) = &found[0];
    let (_, rest) = answer.split_once(r#""requestState":"#).unwrap();
    let sealed = rest.strip_suffix("}}").unwrap();
    assert_ne!(sealed, state);
    let retry = |name: &str, state: &str| {
        let params = format!(
            r#"{{"requestState":{state},"name":"{name}","inputResponses":{{}},"_meta":{{}}}}"#
        );
        request("2", "tools/call", &params)
    };
    assert_eq!(
        open(&mut channel, &retry("t", sealed)).as_bytes(),
        retry("t", state)
    );
    for (owner, message) in [
        (owner('b'), retry("t", sealed)),
        (owner('a'), retry("u", sealed)),
        (owner('a'), retry("t", state)),
        (owner('a'), retry("t", "{}")),
    ] {
        let open = channel.len();
        let refused = channel.open(owner, &message, NOW);
        assert!(matches!(refused, Err(OpenError::State(_))), "{refused:?}");
        assert_eq!(channel.len(), open);
    }
    let odd = r#"{"jsonrpc":"2.0","id":2,"result":{"requestState":{"raw":1}}}"#;
    let (_, answer, _) = &delivered(&mut channel, odd)[0];
    assert!(
        answer.contains("-32603") && !answer.contains("raw"),
        "{answer}"
    );
}

/// Whatever a server sends, it is sorted or ignored; and whatever a request holds, it is opened or refused.
#[test]
fn no_bytes_break_the_channel() {
    let seeds = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":1},"requestState":"s"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"_meta":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"progressToken":"t"}}}"#,
        r#"{"jsonrpc":"2.0","id":"\u00e9","error":{"code":-32601,"message":"\ud800"}}"#,
    ];
    let mut dice = Dice(42);
    let mut channel = channel();
    listen(
        &mut channel,
        "1",
        r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
    );
    for _ in 0..20_000 {
        let mut bytes = seeds[dice.roll(seeds.len())].as_bytes().to_vec();
        for _ in 0..dice.roll(4) {
            let at = dice.roll(bytes.len());
            match dice.roll(4) {
                0 => bytes[at] = dice.roll(256) as u8,
                1 => bytes[at] = br#"{}[]":,0n\"#[dice.roll(10)],
                2 => drop(bytes.drain(at..)),
                _ => bytes.insert(at, bytes[dice.roll(bytes.len())]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(opened) = channel.open(owner('a'), &bytes, NOW) {
            assert!(!opened.message.contains(&b'\n'));
            let _ = channel.cancel(opened.key, NOW);
        }
        if let Received::Deliver(deliveries) = channel.receive(&bytes, NOW) {
            for delivery in deliveries {
                let text = str::from_utf8(&delivery.message).unwrap();
                let read = serde_json::from_str::<&serde_json::value::RawValue>(text);
                assert!(read.is_ok(), "{text}");
            }
        }
        if channel.is_empty() {
            listen(&mut channel, "1", r#"{"toolsListChanged":true}"#);
        }
    }
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Clients choose equal ids and tokens on purpose; the server answers in any order, twice, late. Whatever a client gets bears
/// its own nonce.
#[test]
fn no_interleaving_delivers_to_another() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut channel = channel();
        let mut open: Vec<(u64, u64)> = Vec::new();
        let mut over: Vec<(u64, u64)> = Vec::new();
        for step in 0..200_u64 {
            match dice.roll(5) {
                0 | 1 => {
                    let message = call("1", r#""progressToken":"t""#);
                    let key = channel.open(owner('a'), &message, NOW).unwrap().key;
                    open.push((key.0, seed * 1_000 + step));
                }
                2 if !open.is_empty() => {
                    let (number, nonce) = open[dice.roll(open.len())];
                    let progress = format!(
                        r#"{{"method":"notifications/progress","params":{{"progressToken":{number},"message":"{nonce}"}}}}"#
                    );
                    check(&delivered(&mut channel, &progress), number, nonce, false);
                }
                3 if !open.is_empty() => {
                    let (number, nonce) = open.swap_remove(dice.roll(open.len()));
                    if dice.roll(2) == 0 {
                        assert!(channel.cancel(RequestKey(number), NOW).is_some());
                    } else {
                        check(
                            &delivered(&mut channel, &result(number, nonce)),
                            number,
                            nonce,
                            true,
                        );
                    }
                    over.push((number, nonce));
                }
                4 if !over.is_empty() => {
                    let (number, nonce) = over[dice.roll(over.len())];
                    assert_eq!(ignored(&mut channel, &result(number, nonce)), Ignored::Late);
                }
                _ => {}
            }
            assert_eq!(channel.len(), open.len());
        }
    }
}

fn result(number: u64, nonce: u64) -> String {
    format!(r#"{{"id":{number},"result":{{"nonce":"{nonce}"}}}}"#)
}

fn check(found: &[(u64, String, bool)], number: u64, nonce: u64, is_last: bool) {
    let [(found_number, message, found_last)] = found else {
        panic!("one delivery: {found:?}");
    };
    assert_eq!((*found_number, *found_last), (number, is_last));
    assert!(message.contains(&format!("\"{nonce}\"")), "{message}");
    let id = if is_last {
        r#""id":1,"#
    } else {
        r#""progressToken":"t""#
    };
    assert!(message.contains(id), "{message}");
}
