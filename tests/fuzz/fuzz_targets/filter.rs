//! Filtering: nothing hidden is left, nothing shown is lost, and the probe never overlooks what the filter cuts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::filter::probe::ListProbe;
use mcp_guard::engine::filter::{Outcome, Visibility, filter_message};
use mcp_guard::engine::mcp::methods::ListKind;
use mcp_guard::engine::mcp::revision::Era;
use serde_json::Value;

/// Shows names of even length.
struct Even;

impl Visibility for Even {
    fn shows(&self, _: ListKind, name: &str) -> bool {
        name.len() % 2 == 0
    }

    fn shows_all(&self, _: ListKind) -> bool {
        false
    }
}

fuzz_target!(|message: &[u8]| {
    for era in [Era::Legacy, Era::Modern] {
        let mut out = Vec::new();
        let Ok(outcome) = filter_message(message, era, &Even, &mut out) else {
            return assert!(out.is_empty());
        };
        let passed = match outcome {
            Outcome::Unchanged => message,
            Outcome::Rewritten { .. } => &out,
        };
        if outcome != Outcome::Unchanged {
            assert!(ListProbe::new().feed(message).must_filter());
            let mut again = Vec::new();
            assert_eq!(
                filter_message(passed, era, &Even, &mut again),
                Ok(Outcome::Unchanged)
            );
        }
        // The oracle knows no halves of surrogate pairs.
        if let Ok(before) = serde_json::from_slice::<Value>(message) {
            let after: Value = serde_json::from_slice(passed).expect("filtering keeps JSON");
            check(&before, &after, era);
        }
    }
});

fn check(before: &Value, after: &Value, era: Era) {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before
                .iter()
                .zip(after)
                .for_each(|(before, after)| check_message(before, after, era));
        }
        _ => check_message(before, after, era),
    }
}

fn check_message(before: &Value, after: &Value, era: Era) {
    let mut expected = before.clone();
    let mut is_list = false;
    for (member, name) in [
        ("tools", "name"),
        ("prompts", "name"),
        ("resources", "uri"),
        ("resourceTemplates", "uriTemplate"),
    ] {
        let list = expected
            .get_mut("result")
            .and_then(|result| result.get_mut(member));
        is_list |= list.is_some();
        if let Some(Value::Array(items)) = list {
            items.retain(|item| item[name].as_str().is_some_and(shows));
        }
    }
    if is_list && era == Era::Modern {
        assert_eq!(after["result"]["cacheScope"], "private");
        let ttl_ms = after["result"]["ttlMs"].as_f64().expect("a number");
        assert!((0.0..=60_000.0).contains(&ttl_ms));
        expected["result"]["cacheScope"] = after["result"]["cacheScope"].clone();
        expected["result"]["ttlMs"] = after["result"]["ttlMs"].clone();
    }
    assert_eq!(&expected, after);
}

fn shows(name: &str) -> bool {
    let max = 1024 * 8;
    name.len() % 2 == 0 && name.len() <= max && !name.bytes().any(|byte| byte.is_ascii_control())
}
