//! What a message of a server or client is, and the messages that the gateway makes itself.

use super::object::{Object, quoted};

/// The method is not there, or not for this side.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// What was sent makes no sense.
pub const INVALID_PARAMS: i32 = -32602;
/// The gateway or the server cannot.
pub const INTERNAL_ERROR: i32 = -32603;
/// Not a request that may come now.
pub const INVALID_REQUEST: i32 = -32600;
/// Version not spoken (2026-07-28).
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// No such resource (up to 2025-11-25).
pub const RESOURCE_NOT_FOUND: i32 = -32002;

/// A JSON-RPC message, taken apart.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Its members.
    pub object: Object<'a>,
    /// What it is.
    pub kind: Kind,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request: its method. The id is there and is a string or an integer.
    Request(String),
    /// A notification: its method.
    Notification(String),
    /// A response, with an id or (an error alone) without.
    Response,
}

impl<'a> Message<'a> {
    /// Reads `bytes`. `None`: no JSON-RPC message; nothing can be done with it.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let object = Object::read(bytes)?;
        let has_id = match object.member("id") {
            None | Some("null") => false,
            Some(id) if is_id(id) => true,
            Some(_) => return None,
        };
        let has_answer = object.member("result").is_some() || object.member("error").is_some();
        let kind = match (object.text("method"), has_id, has_answer) {
            (Some(method), true, _) => Kind::Request(method),
            (Some(method), false, _) => Kind::Notification(method),
            (None, _, true) => Kind::Response,
            _ => return None,
        };
        Some(Self { object, kind })
    }

    /// The id as written.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.object.member("id").filter(|id| is_id(id))
    }

    /// `params`, empty where there are none.
    #[must_use]
    pub fn params(&self) -> Object<'_> {
        self.object.object("params").unwrap_or_default()
    }

    /// The message again, as one line of bytes.
    #[must_use]
    pub fn into_line(self) -> Vec<u8> {
        line(self.object.to_string())
    }
}

/// Whether `token` is a string or an integer.
#[must_use]
pub fn is_id(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    token.starts_with('"') || !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A message as bytes without CR and LF. Between tokens they are white space; inside a string JSON has no raw ones.
#[must_use]
pub fn line(message: String) -> Vec<u8> {
    let mut bytes = message.into_bytes();
    for byte in &mut bytes {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    bytes
}

/// A request of the gateway's own. `params` is JSON.
#[must_use]
pub fn request(id: impl std::fmt::Display, method: &str, params: &str) -> Vec<u8> {
    line(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":{},"params":{params}}}"#,
        quoted(method)
    ))
}

/// A notification of the gateway's own. `params` is JSON.
#[must_use]
pub fn notification(method: &str, params: &str) -> Vec<u8> {
    line(format!(
        r#"{{"jsonrpc":"2.0","method":{},"params":{params}}}"#,
        quoted(method)
    ))
}

/// A response to the request `id`, as written. `result` is JSON.
#[must_use]
pub fn result(id: &str, result: &str) -> Vec<u8> {
    line(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
    ))
}

/// An error response to the request `id`, as written.
#[must_use]
pub fn error(id: &str, code: i32, message: &str) -> Vec<u8> {
    let message = quoted(message);
    line(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#
    ))
}

/// The error that answers a modern request of another revision. `requested` is JSON.
#[must_use]
pub fn unsupported_version(id: &str, requested: &str) -> Vec<u8> {
    line(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{UNSUPPORTED_VERSION},"message":"protocol version not supported","data":{{"supported":["2026-07-28"],"requested":{requested}}}}}}}"#
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Kind, Message, error, line};

    #[test]
    fn a_message_is_told_by_its_members() {
        for (text, kind) in [
            (
                r#"{"id":1,"method":"a"}"#,
                Some(Kind::Request("a".to_owned())),
            ),
            (
                r#"{"id":"x","method":"\u0061"}"#,
                Some(Kind::Request("a".to_owned())),
            ),
            (
                r#"{"method":"a"}"#,
                Some(Kind::Notification("a".to_owned())),
            ),
            (r#"{"id":1,"result":{}}"#, Some(Kind::Response)),
            (r#"{"id":null,"error":{}}"#, Some(Kind::Response)),
            (r#"{"error":{}}"#, Some(Kind::Response)),
            (r#"{"id":1.0,"method":"a"}"#, None),
            (r#"{"id":{},"result":{}}"#, None),
            (r#"{"id":1}"#, None),
            ("[]", None),
            ("", None),
        ] {
            let read = Message::read(text.as_bytes()).map(|message| message.kind);
            assert_eq!(read, kind, "{text}");
        }
    }

    #[test]
    fn a_message_goes_out_as_one_line() {
        let text = "{\r\n\"method\":\n\"a\\n\",\"x\":[\r1]}";
        let message = Message::read(text.as_bytes()).unwrap();
        assert_eq!(
            message.into_line(),
            b"{\"method\":\"a\\n\",\"x\":[ 1]}".to_vec()
        );
        assert_eq!(line("a\r\nb".to_owned()), b"a  b");
        assert_eq!(
            error("\"1\"", -32603, "no"),
            br#"{"jsonrpc":"2.0","id":"1","error":{"code":-32603,"message":"no"}}"#
        );
    }
}
