//! The scanner against `serde_json`: what we accept, it reads the same.

use serde_json::Value;

use super::{Body, ScanLimits, scan};
use crate::engine::mcp::message::Message;

const SEEDS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"\/a","n":[1,2.5e3,-0.1]}}}"#,
    r#"{"jsonrpc":"2.0","id":"a@u0062","method":"prompts\/get","params":{"name":"p\"q","_meta":{"progressToken":"t"}}}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}]"#,
    r#"{"jsonrpc":"2.0","id":-7,"result":{"content":[{"type":"text","text":"é😀@ud83d@ude00"}],"isError":false,"x":null}}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///x","name":{"a":{"b":[[],{}]}}}}"#,
];

/// What a mutation inserts.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "0",
    "-",
    ".",
    "e1",
    " ",
    "\n",
    "\0",
    "null",
    "true",
    "\"id\":1,",
    "\"name\":\"x\",",
    "\\u0061",
    "\\ud800",
    "é",
    "\u{200b}",
    "\"method\":",
    "\"params\":{},",
    "9",
];

/// xorshift64*: enough to vary a test, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

fn mutate(random: &mut Random, seed: &str) -> Vec<u8> {
    let mut bytes = seed.replace('@', "\\").into_bytes();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes[at] = random.below(256) as u8,
            2 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            _ => {
                let end = at + random.below(bytes.len() - at);
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

fn check_message(message: &Message, value: &Value, body: &[u8]) {
    if let Some(id) = message.request_id() {
        assert_eq!(
            serde_json::from_slice::<Value>(id.raw(body)).unwrap(),
            value["id"]
        );
    }
    if let Some(call) = message.call() {
        assert_eq!(
            call.method_text.as_str(body),
            value["method"].as_str().unwrap()
        );
        let params = &value["params"];
        assert_eq!(
            call.params.name.as_ref().map(|name| name.as_str(body)),
            params["name"].as_str()
        );
        assert_eq!(
            call.params.uri.as_ref().map(|uri| uri.as_str(body)),
            params["uri"].as_str()
        );
    }
    assert_eq!(
        &serde_json::from_slice::<Value>(message.span.of(body)).unwrap(),
        value
    );
}

#[test]
fn what_is_accepted_reads_the_same_to_serde_json() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for round in 0..60_000 {
        let body = mutate(&mut random, SEEDS[round % SEEDS.len()]);
        let Ok(scanned) = scan(&body, &ScanLimits::default()) else {
            continue;
        };
        accepted += 1;
        let value: Value = serde_json::from_slice(&body)
            .unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
        match (&scanned, &value) {
            (Body::One(message), value) => check_message(message, value, &body),
            (Body::Batch(messages), Value::Array(values)) => {
                assert_eq!(messages.len(), values.len());
                let pairs = messages.iter().zip(values);
                pairs.for_each(|(message, value)| check_message(message, value, &body));
            }
            (Body::Batch(_), _) => panic!("{}", body.escape_ascii()),
        }
    }
    assert!(
        accepted > 3_000,
        "only {accepted} mutations were accepted: the comparison says little"
    );
}
