//! Response heads, as a client reads them.

use super::framing::{FieldFacts, FieldFraming};
use super::lines::{self, StartLine};
use super::request::{Method, Version};
use super::tokens;
use super::{HeadIndex, HeadLimits, HeadRefusal};

/// How far the head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseProgress {
    /// More bytes are needed.
    Partial,
    /// A 1xx response other than 101, to be skipped; the next head begins after `head_len` bytes. Callers bound how many they
    /// skip, see [`INTERIM_RESPONSES_MAX`](super::INTERIM_RESPONSES_MAX).
    Interim {
        /// Bytes up to and with the blank line.
        head_len: usize,
        /// Its status.
        status: u16,
    },
    /// The final head is whole and has one meaning.
    Complete(ResponseHead),
}

/// An accepted final response head. Field lines are in the [`HeadIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// Bytes up to and with the blank line. The body begins here.
    pub head_len: usize,
    /// The status, 200 to 599.
    pub status: u16,
    /// The version.
    pub version: Version,
    /// Where the body ends.
    pub framing: ResponseFraming,
    /// Whether the connection can carry another exchange after the body.
    pub keep_alive: bool,
}

/// Where a response's body ends. Source: RFC 9112 §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFraming {
    /// There is no body, whatever the fields say.
    None,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Reads the response head at the start of `buf`, which answers a request with `method`.
///
/// `scanned` and `index` are as in [`parse_request`](super::parse_request). Empty lines before the status line are refused:
/// on a reused connection they are bytes that nobody asked for.
///
/// Errors: a [`HeadRefusal`]; the connection is then of no further use. Cost: no allocation once `index` has grown.
pub fn parse_response(
    buf: &[u8],
    scanned: usize,
    method: Method,
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<ResponseProgress, HeadRefusal> {
    index.clear();
    let window = tokens::window(buf, limits);
    if matches!(window, [b'\r' | b'\n', ..]) {
        return Err(HeadRefusal::MalformedStatusLine);
    }
    if scanned > 0 && !lines::is_whole(window, scanned)? {
        return partial(window, limits);
    }
    match complete(window, method, limits, index)? {
        Some(progress) => Ok(progress),
        None => {
            lines::is_whole(window, 0)?;
            partial(window, limits)
        }
    }
}

fn partial(window: &[u8], limits: &HeadLimits) -> Result<ResponseProgress, HeadRefusal> {
    let bytes_max = tokens::head_bytes_max(limits);
    if window.len() >= bytes_max {
        return Err(HeadRefusal::HeadTooLarge { bytes_max });
    }
    Ok(ResponseProgress::Partial)
}

fn complete(
    window: &[u8],
    method: Method,
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Option<ResponseProgress>, HeadRefusal> {
    let mut table = tokens::field_table();
    let fields_max = tokens::fields_max(limits);
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, window, &mut table[..fields_max])
        .map_err(|error| lines::diagnose(window, error, StartLine::Status, fields_max))?;
    let httparse::Status::Complete(head_len) = parsed else {
        return Ok(None);
    };
    let facts = tokens::index_fields(&window[..head_len], response.headers, index)?;
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(HeadRefusal::MalformedStatusLine);
    };
    judge(head_len, status, Version::from_minor(minor), method, &facts).map(Some)
}

fn judge(
    head_len: usize,
    status: u16,
    version: Version,
    method: Method,
    facts: &FieldFacts,
) -> Result<ResponseProgress, HeadRefusal> {
    let said = facts.framing(version)?;
    match status {
        101 => Err(HeadRefusal::SwitchingProtocols),
        100..=199 => {
            refuse_body(said)?;
            Ok(ResponseProgress::Interim { head_len, status })
        }
        200..=599 => {
            let framing = framing(status, method, said)?;
            Ok(ResponseProgress::Complete(ResponseHead {
                head_len,
                status,
                version,
                framing,
                keep_alive: framing != ResponseFraming::UntilClose && facts.keep_alive(version),
            }))
        }
        _ => Err(HeadRefusal::InvalidStatus),
    }
}

fn framing(
    status: u16,
    method: Method,
    said: FieldFraming,
) -> Result<ResponseFraming, HeadRefusal> {
    if status == 204 {
        refuse_body(said)?;
    }
    Ok(match said {
        _ if method == Method::Head || matches!(status, 204 | 304) => ResponseFraming::None,
        FieldFraming::Unsaid => ResponseFraming::UntilClose,
        FieldFraming::Length(length) => ResponseFraming::Length(length),
        FieldFraming::Chunked => ResponseFraming::Chunked,
    })
}

/// RFC 9110 §8.6 and RFC 9112 §6.1 forbid both fields here. A body that follows all the same would be read as the next
/// response, so only the harmless `Content-Length: 0`, which deployed servers send, is let pass.
fn refuse_body(said: FieldFraming) -> Result<(), HeadRefusal> {
    match said {
        FieldFraming::Unsaid | FieldFraming::Length(0) => Ok(()),
        _ => Err(HeadRefusal::BodyOnBodilessStatus),
    }
}

#[cfg(test)]
mod tests;
