//! A client that sends exactly the bytes of the test and reads answers strictly.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::ClientConfig;

use super::PATIENCE;
use super::wire::{Agreed, Wire};

/// One keep-alive connection.
pub(crate) struct Client {
    wire: Wire,
    unread: Vec<u8>,
    cut: Option<io::Error>,
}

/// One HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the framing of the answer was complete.
    pub(crate) is_complete: bool,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.head, self.text())
    }
}

impl Answer {
    /// The first field called `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body as JSON; panics with the answer where it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON-RPC error code of the body.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error code: {self:?}"))
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(Wire::Plain(dial(address)))
    }

    /// Speaks TLS with the server called `name` at `address`.
    pub(crate) fn connect_tls(address: SocketAddr, tls: &Arc<ClientConfig>, name: &str) -> Self {
        Self::try_tls(address, tls, name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The same. Errors: the handshake's, as far as the client's half of it: under TLS 1.3 a server that refuses the client's
    /// certificate says so only to who reads on.
    pub(crate) fn try_tls(
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<Self> {
        Wire::connect(dial(address), tls, name).map(Self::over)
    }

    fn over(wire: Wire) -> Self {
        Self {
            wire,
            unread: Vec::new(),
            cut: None,
        }
    }

    /// What the TLS handshake agreed on.
    pub(crate) fn agreed(&self) -> Agreed {
        self.wire.agreed()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        // A refused request may be answered and closed before its last byte was taken.
        let _ = self.wire.write_all(bytes.as_ref());
        let _ = self.wire.flush();
        self
    }

    pub(crate) fn half_close(&mut self) {
        self.wire.shut(Shutdown::Write);
    }

    /// Leaves with a goodbye, where TLS has one.
    pub(crate) fn close(mut self) {
        self.wire.shut(Shutdown::Both);
    }

    /// Why the connection ended other than by a clean close: a reset, an alert, or an end of the stream that TLS did not
    /// announce.
    pub(crate) fn cut(&self) -> Option<String> {
        self.cut.as_ref().map(ToString::to_string)
    }

    /// Sends `bytes` and reads the answer.
    pub(crate) fn exchange(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).answer()
    }

    /// Reads one whole answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        self.body_of(head)
    }

    /// The same; `None` where the connection ends without one.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        self.until(|unread| (!unread.is_empty()).then_some(()))?;
        Some(self.answer())
    }

    /// Reads one head, up to and with its blank line. Interim answers are skipped.
    pub(crate) fn head(&mut self) -> String {
        loop {
            let end = self
                .until(|unread| find(unread, b"\r\n\r\n"))
                .unwrap_or_else(|| panic!("no head of an answer: {:?}", self.cut));
            let head: Vec<u8> = self.unread.drain(..end + 4).collect();
            let head = String::from_utf8(head).unwrap();
            if !head.starts_with("HTTP/1.1 1") {
                return head;
            }
        }
    }

    fn body_of(&mut self, head: String) -> Answer {
        let status = head[9..12].parse().unwrap();
        let chunked = header(&head, "transfer-encoding").is_some_and(|value| value == "chunked");
        let length: Option<usize> =
            header(&head, "content-length").map(|value| value.parse().unwrap());
        let (body, is_complete) = match (chunked, length) {
            (true, None) => self.chunks(),
            (false, Some(length)) => self.exactly(length),
            (false, None) if status == 204 || status == 304 => (Vec::new(), true),
            (false, None) => (self.rest(), true),
            (true, Some(_)) => panic!("ambiguous framing: {head}"),
        };
        Answer {
            status,
            head,
            body,
            is_complete,
        }
    }

    fn exactly(&mut self, length: usize) -> (Vec<u8>, bool) {
        let whole = self.until(|unread| (unread.len() >= length).then_some(length));
        let end = whole.unwrap_or(self.unread.len());
        (self.unread.drain(..end).collect(), whole.is_some())
    }

    fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk() {
            if chunk.is_empty() {
                return (body, true);
            }
            body.extend(chunk);
        }
        (body, false)
    }

    /// The next chunk of a chunked body; empty at its end, `None` where the connection ended first.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let line_end = self.until(|unread| find(unread, b"\r\n"))?;
        let line: Vec<u8> = self.unread.drain(..line_end + 2).collect();
        let size = usize::from_str_radix(str::from_utf8(&line[..line_end]).unwrap(), 16).unwrap();
        self.until(|unread| (unread.len() >= size + 2).then_some(size))?;
        let chunk: Vec<u8> = self.unread.drain(..size).collect();
        self.unread.drain(..2);
        Some(chunk)
    }

    /// Reads chunks until the decoded text holds `needle`; returns all of it.
    pub(crate) fn stream_until(&mut self, needle: &str) -> String {
        let mut text = String::new();
        while !text.contains(needle) {
            let chunk = self
                .chunk()
                .unwrap_or_else(|| panic!("stream ended before {needle:?}: {text}"));
            assert!(!chunk.is_empty(), "stream ended before {needle:?}: {text}");
            text.push_str(str::from_utf8(&chunk).unwrap());
        }
        text
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the peer has closed and left nothing unread.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.fill()
    }

    fn until<T>(&mut self, found: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        loop {
            if let Some(value) = found(&self.unread) {
                return Some(value);
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        match self.wire.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.unread.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer within {PATIENCE:?}: {error}")
            }
            Err(error) => {
                self.cut = Some(error);
                false
            }
        }
    }
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// A POST of `body` to `path` with the JSON content type and further `fields`, each ended by CRLF.
pub(crate) fn post(path: &str, fields: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
}

/// `Authorization` with `key`, ended by CRLF.
pub(crate) fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

/// A legacy `tools/call`.
pub(crate) fn call(id: u32, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"n":{id}}}}}}}"#
    )
}

/// The head fields and body of a 2026-07-28 request.
pub(crate) fn modern(id: u32, method: &str, name: Option<&str>) -> (String, String) {
    let named = name
        .map(|name| format!("Mcp-Name: {name}\r\n"))
        .unwrap_or_default();
    let fields = format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{named}");
    let param = name
        .map(|name| format!(r#""name":"{name}","#))
        .unwrap_or_default();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{param}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    (fields, body)
}

impl Client {
    /// Reads a head, then chunks until their text holds `needle`.
    pub(crate) fn stream_until_head_and(&mut self, needle: &str) -> String {
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        self.stream_until(needle)
    }
}
