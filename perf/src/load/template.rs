//! A request made once, in which only the id changes.

use memchr::memmem;

use crate::scenario::Endpoint;

/// Digits of every id. The first has no zero in front, so that each is a JSON number of the same length.
const ID_DIGITS: usize = 12;

/// The first id.
const ID_FIRST: u64 = 100_000_000_000;

/// Stands where the id goes while a request is being made.
const PLACE: &str = "@id@";

/// A whole request and where its id is.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    id_at: usize,
    closes: bool,
}

impl Template {
    /// A POST of `body` to `endpoint`. `body` has `@id@` where the id goes.
    pub(crate) fn post(endpoint: &Endpoint, close: bool, body: &str) -> Self {
        let body_len = body.len() - PLACE.len() + ID_DIGITS;
        let mut text = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\n",
            endpoint.path, endpoint.host
        );
        for header in &endpoint.headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        if close {
            text.push_str("Connection: close\r\n");
        }
        text.push_str(
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n",
        );
        text.push_str(&format!("Content-Length: {body_len}\r\n\r\n{body}"));
        Self::with_place(text.into_bytes(), close)
    }

    fn with_place(mut bytes: Vec<u8>, closes: bool) -> Self {
        let id_at = memmem::find(&bytes, PLACE.as_bytes()).unwrap_or(bytes.len());
        let place_end = (id_at + PLACE.len()).min(bytes.len());
        bytes.splice(id_at..place_end, ID_FIRST.to_string().into_bytes());
        Self {
            bytes,
            id_at,
            closes,
        }
    }

    /// Writes the id of request `number` into `copy`, a copy of this template, and returns it.
    pub(crate) fn number(&self, number: u64, copy: &mut Vec<u8>) -> u64 {
        let id = ID_FIRST + number;
        if copy.is_empty() {
            copy.extend_from_slice(&self.bytes);
        }
        let mut rest = id;
        for digit in copy[self.id_at..self.id_at + ID_DIGITS].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        id
    }

    /// Each request asks that its connection end.
    pub(crate) fn closes(&self) -> bool {
        self.closes
    }

    /// Bytes of each request.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::http::request::{Parsed, parse};

    #[test]
    fn each_copy_is_a_whole_request_with_its_own_id() {
        let endpoint = Endpoint::from_url("http://127.0.0.1:1/mcp", &["A: b".to_owned()]).unwrap();
        let template = Template::post(&endpoint, false, r#"{"id":@id@}"#);
        let mut copy = Vec::new();
        for number in [0, 7, 1_234_567] {
            let id = template.number(number, &mut copy);
            let Parsed::Complete(request) = parse(&copy) else {
                panic!("incomplete")
            };
            assert_eq!(request.body, format!(r#"{{"id":{id}}}"#).as_bytes());
            assert_eq!(request.len, template.len());
        }
    }
}
