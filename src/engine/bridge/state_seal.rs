//! `requestState` of a server that cannot tell callers apart: sealed on its way to the client, opened on its way back.
//!
//! A client must send the state back with the request that it belongs to (2026-07-28, Multi Round-Trip Requests). A shared
//! server cannot check who does, so the gateway binds each state to its caller, its server, its method and its parameters,
//! for an hour. **Invariant:** a state that opens is byte for byte the one that the server gave for this very call.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::engine::mcp::json::{Syntax, members};
use crate::engine::mcp::message::Call;
use crate::engine::seal::{Purpose, SealError, Sealer};
use crate::engine::session::Owner;
use crate::engine::span::Span;

/// How long a state may be used, in seconds.
pub const STATE_SECS_MAX: u64 = 3_600;

/// Members of `params` that a retry adds or changes.
const RETRY_MEMBERS: [&str; 3] = ["requestState", "inputResponses", "_meta"];

/// Why a request's state is refused. Clients are told the same for each: −32602.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// `requestState` is no string.
    NotAString,
    /// The parameters cannot be read.
    Params(Syntax),
    /// It does not open for this call.
    Sealed(SealError),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAString => f.write_str("requestState is not a string"),
            Self::Params(syntax) => write!(f, "params cannot be read: {syntax}"),
            Self::Sealed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

/// What a state is bound to: its caller and a digest of the call, without what a retry changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallBinding {
    owner: Owner,
    digest: [u8; 32],
}

impl CallBinding {
    /// The binding of `call` by `owner`, scanned from `body`.
    ///
    /// The members of `params` count in any order and with any white space; within them order and spelling count, which
    /// clients keep since they send the same value again. O(bytes). Errors: [`StateError::NotAString`],
    /// [`StateError::Params`].
    pub fn of(owner: Owner, body: &[u8], call: &Call) -> Result<Self, StateError> {
        let mut digest = Sha256::new();
        let method = call.method_text.as_bytes(body);
        digest.update((method.len() as u64).to_be_bytes());
        digest.update(method);
        for (name, value) in lasting_members(body, call)? {
            digest.update((name.len() as u64).to_be_bytes());
            digest.update(name.as_bytes());
            let value = without_space(value.of(body));
            digest.update((value.len() as u64).to_be_bytes());
            digest.update(&value);
        }
        Ok(Self {
            owner,
            digest: digest.finalize().into(),
        })
    }
}

/// The members of `params` that a retry repeats, by name.
fn lasting_members(body: &[u8], call: &Call) -> Result<Vec<(String, Span)>, StateError> {
    let (Some(params), Ok(text)) = (call.params.span, str::from_utf8(body)) else {
        return Ok(Vec::new());
    };
    let mut lasting = Vec::new();
    let mut is_string = true;
    members(text, params, |name, value| {
        if name == "requestState" {
            is_string = matches!(text.as_bytes()[value.start()], b'"' | b'n');
        }
        if !RETRY_MEMBERS.contains(&name) {
            lasting.push((name.to_owned(), value));
        }
    })
    .map_err(StateError::Params)?;
    lasting.sort_unstable_by(|one, two| one.0.cmp(&two.0));
    is_string.then_some(lasting).ok_or(StateError::NotAString)
}

/// `json` without the white space between its tokens.
fn without_space(json: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(json.len());
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in json.iter().copied() {
        if !in_string && matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        }
        in_string ^= byte == b'"' && !is_escaped;
        is_escaped = in_string && byte == b'\\' && !is_escaped;
        kept.push(byte);
    }
    kept
}

/// Seals and opens the states of one server.
#[derive(Clone, Debug)]
pub struct StateSeal {
    sealer: Sealer,
    server: Box<str>,
}

impl StateSeal {
    /// For the server named `server`, under the key of `sealer`.
    #[must_use]
    pub fn new(sealer: Sealer, server: &str) -> Self {
        Self {
            sealer,
            server: server.into(),
        }
    }

    /// The string token that goes to the client in place of `state`, the server's, both with their quotes.
    ///
    /// `None`: `state` is no string token, or the system has no random bytes; the answer must not go out then.
    #[must_use]
    pub fn wrap(&self, binding: &CallBinding, now_secs: u64, state: &[u8]) -> Option<Vec<u8>> {
        let inner = state.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let expires_at_secs = now_secs.saturating_add(STATE_SECS_MAX);
        let context = self.context(binding);
        let sealed = self
            .sealer
            .seal(Purpose::RequestState, &context, expires_at_secs, inner)
            .ok()?;
        Some([b"\"", sealed.as_bytes(), b"\""].concat())
    }

    /// The string token that goes to the server in place of `state`, the client's, both with their quotes. Errors: see
    /// [`StateError`].
    pub fn unwrap(
        &self,
        binding: &CallBinding,
        now_secs: u64,
        state: &[u8],
    ) -> Result<Vec<u8>, StateError> {
        let inner = state
            .strip_prefix(b"\"")
            .and_then(|rest| rest.strip_suffix(b"\""))
            .ok_or(StateError::NotAString)?;
        let opened = self
            .sealer
            .open(
                Purpose::RequestState,
                &self.context(binding),
                now_secs,
                inner,
            )
            .map_err(StateError::Sealed)?;
        Ok([b"\"", opened.as_slice(), b"\""].concat())
    }

    fn context<'a>(&'a self, binding: &'a CallBinding) -> [&'a [u8]; 3] {
        [
            binding.owner.as_bytes(),
            self.server.as_bytes(),
            &binding.digest,
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{CallBinding, STATE_SECS_MAX, StateError, StateSeal};
    use crate::engine::mcp::message::Body;
    use crate::engine::mcp::scan::{ScanLimits, scan};
    use crate::engine::seal::{SealError, Sealer};
    use crate::engine::session::Owner;

    fn owner(digit: char) -> Owner {
        Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
    }

    fn binding(owner: Owner, method: &str, params: &str) -> Result<CallBinding, StateError> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let Body::One(message) = scan(body.as_bytes(), &ScanLimits::default()).unwrap() else {
            panic!("one message");
        };
        CallBinding::of(owner, body.as_bytes(), message.call().unwrap())
    }

    fn call(params: &str) -> CallBinding {
        binding(owner('a'), "tools/call", params).unwrap()
    }

    #[test]
    fn a_state_opens_for_the_same_call_of_the_same_caller_at_the_same_server_alone() {
        let sealer = Sealer::random().unwrap();
        let seal = StateSeal::new(sealer.clone(), "github");
        let state = br#""a\/b \u00e9 \ud83d\ude00""#;
        let first = call(r#"{"name":"t","arguments":{"a":1.0,"b":"x y"},"_meta":{"m":1}}"#);
        let wrapped = seal.wrap(&first, 100, state).unwrap();
        let retry = call(
            r#"{ "requestState":"s", "inputResponses":{}, "arguments": {"a" : 1.0,
               "b":"x y"}, "_meta":{}, "name":"t" }"#,
        );
        assert_eq!(seal.unwrap(&retry, 200, &wrapped).unwrap(), state);

        let other_args = call(r#"{"name":"t","arguments":{"a":1,"b":"x y"}}"#);
        let other_text = call(r#"{"name":"t","arguments":{"a":1.0,"b":"xy"}}"#);
        let other_tool = call(r#"{"name":"u","arguments":{"a":1.0,"b":"x y"}}"#);
        let params = r#"{"name":"t","arguments":{"a":1.0,"b":"x y"}}"#;
        let other_owner = binding(owner('b'), "tools/call", params).unwrap();
        let other_method = binding(owner('a'), "tools/list", params).unwrap();
        for (case, other) in [
            ("arguments", other_args),
            ("text", other_text),
            ("tool", other_tool),
            ("owner", other_owner),
            ("method", other_method),
        ] {
            let opened = seal.unwrap(&other, 200, &wrapped);
            assert_eq!(
                opened,
                Err(StateError::Sealed(SealError::Foreign)),
                "{case}"
            );
        }
        let elsewhere = StateSeal::new(sealer, "gitlab");
        assert!(elsewhere.unwrap(&first, 200, &wrapped).is_err());
    }

    #[test]
    fn a_state_expires() {
        let seal = StateSeal::new(Sealer::random().unwrap(), "s");
        let first = call(r#"{"name":"t"}"#);
        let wrapped = seal.wrap(&first, 100, b"\"x\"").unwrap();
        assert!(seal.unwrap(&first, 99 + STATE_SECS_MAX, &wrapped).is_ok());
        assert_eq!(
            seal.unwrap(&first, 100 + STATE_SECS_MAX, &wrapped),
            Err(StateError::Sealed(SealError::Expired))
        );
        for raw in [&b"\"x\""[..], b"x", b"\"", b"{}"] {
            assert!(seal.unwrap(&first, 100, raw).is_err());
        }
        assert_eq!(seal.wrap(&first, 100, b"1"), None);
    }

    #[test]
    fn a_state_that_is_no_string_is_refused() {
        for (state, is_refused) in [
            ("1", true),
            ("{}", true),
            ("true", true),
            ("null", false),
            ("\"\"", false),
        ] {
            let params = format!(r#"{{"name":"t","requestState":{state}}}"#);
            let found = binding(owner('a'), "tools/call", &params);
            assert_eq!(
                found.err() == Some(StateError::NotAString),
                is_refused,
                "{state}"
            );
        }
    }

    #[test]
    fn quotes_inside_strings_do_not_end_them() {
        let kept = super::without_space(br#"{ "a \" b" : [ 1 , "\\" , "c d" ] }"#);
        assert_eq!(kept, br#"{"a \" b":[1,"\\","c d"]}"#);
    }
}
