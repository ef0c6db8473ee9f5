//! Why a head is refused: one variant an attack or mistake, each with the status that a server answers.

use std::fmt;

/// Why a request or response head is refused. Whoever reads this closes the connection: nothing after a refused head can be
/// framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadRefusal {
    /// A line feed without a carriage return before it.
    BareLineFeed,
    /// A carriage return without a line feed after it.
    BareCarriageReturn,
    /// A NUL byte.
    Nul,
    /// More empty lines before the request line than RFC 9112 §2.2 makes reasonable.
    LeadingBlankLines {
        /// How many are tolerated.
        lines_max: usize,
    },
    /// The head exceeds its bound.
    HeadTooLarge {
        /// The bound, in bytes.
        bytes_max: usize,
    },
    /// The request line exceeds its bound.
    RequestLineTooLong {
        /// The bound, in bytes.
        bytes_max: usize,
    },
    /// There are more field lines than allowed.
    TooManyFields {
        /// The bound, in field lines.
        fields_max: usize,
    },
    /// The request line is not `method SP target SP version`.
    MalformedRequestLine,
    /// The status line is not `version SP three digits [SP reason]`.
    MalformedStatusLine,
    /// The method is empty or not a token.
    InvalidMethod,
    /// CONNECT, which would make a tunnel of the gateway.
    Connect,
    /// A well-formed version other than HTTP/1.0 and HTTP/1.1.
    UnsupportedVersion,
    /// The target holds a byte that no URI may hold there.
    InvalidTarget,
    /// The target has a fragment.
    FragmentInTarget,
    /// The target is in authority form, has a scheme other than http and https, or no form at all.
    UnsupportedTargetForm,
    /// The target is `*` and the method is not OPTIONS.
    AsteriskTarget,
    /// A field line that begins with white space: an obsolete fold (RFC 9112 §5.2).
    ObsoleteFold,
    /// A field line that begins with a colon.
    EmptyFieldName,
    /// White space between a field name and its colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A field name that is not a token, or a line without a colon.
    InvalidFieldName,
    /// A control byte in a field value.
    InvalidFieldValue,
    /// HTTP/1.1 without Host (RFC 9112 §3.2).
    MissingHost,
    /// Host more than once.
    RepeatedHost,
    /// A Host or authority that names no host: user information, empty, bad port, bad address.
    InvalidHost,
    /// The authority of an absolute-form target differs from Host.
    HostMismatch,
    /// Content-Length more than once, equal or not.
    RepeatedContentLength,
    /// Content-Length is not all digits.
    InvalidContentLength,
    /// Content-Length does not fit 64 bits.
    ContentLengthOverflow,
    /// Content-Length beside Transfer-Encoding (RFC 9112 §6.1).
    ContentLengthWithTransferEncoding,
    /// Transfer-Encoding more than once.
    RepeatedTransferEncoding,
    /// Transfer-Encoding is anything but `chunked`.
    UnsupportedTransferEncoding,
    /// Transfer-Encoding in HTTP/1.0.
    TransferEncodingInHttp10,
    /// Expect is anything but `100-continue`.
    UnsupportedExpectation,
    /// A status code outside 100 to 599.
    InvalidStatus,
    /// 101: the upstream changed the protocol that nobody asked it to change.
    SwitchingProtocols,
    /// A response that cannot have a body (1xx, 204) announces one.
    BodyOnBodilessStatus,
}

impl HeadRefusal {
    /// The status that a server answers to a request with this refusal. A response so refused is the upstream's fault, 502.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Connect => 405,
            Self::ContentLengthOverflow => 413,
            Self::RequestLineTooLong { .. } => 414,
            Self::UnsupportedExpectation => 417,
            Self::HeadTooLarge { .. } | Self::TooManyFields { .. } => 431,
            Self::UnsupportedVersion => 505,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::LeadingBlankLines { lines_max } => {
                return write!(out, "request begins with empty lines; limit is {lines_max}");
            }
            Self::HeadTooLarge { bytes_max } => {
                return write!(out, "head is over its limit of {bytes_max} bytes");
            }
            Self::RequestLineTooLong { bytes_max } => {
                return write!(out, "request line is over its limit of {bytes_max} bytes");
            }
            Self::TooManyFields { fields_max } => {
                return write!(out, "head is over its limit of {fields_max} fields");
            }
            Self::BareLineFeed => "head has a line feed without carriage return",
            Self::BareCarriageReturn => "head has a carriage return without line feed",
            Self::Nul => "head has a NUL byte",
            Self::MalformedRequestLine => "request line is not method, target and version",
            Self::MalformedStatusLine => "status line is not version and status",
            Self::InvalidMethod => "method is not a token",
            Self::Connect => "method CONNECT is not offered",
            Self::UnsupportedVersion => "version is neither HTTP/1.0 nor HTTP/1.1",
            Self::InvalidTarget => "target has a byte that no URI may hold",
            Self::FragmentInTarget => "target has a fragment",
            Self::UnsupportedTargetForm => "target is neither a path nor an http URI",
            Self::AsteriskTarget => "target is * and the method is not OPTIONS",
            Self::ObsoleteFold => "field line begins with white space",
            Self::EmptyFieldName => "field name is empty",
            Self::SpaceBeforeColon => "field name has white space before its colon",
            Self::InvalidFieldName => "field name is not a token",
            Self::InvalidFieldValue => "field value has a control byte",
            Self::MissingHost => "Host is missing",
            Self::RepeatedHost => "Host is repeated",
            Self::InvalidHost => "Host names no host",
            Self::HostMismatch => "Host differs from the target's authority",
            Self::RepeatedContentLength => "Content-Length is repeated",
            Self::InvalidContentLength => "Content-Length is not a number",
            Self::ContentLengthOverflow => "Content-Length does not fit 64 bits",
            Self::ContentLengthWithTransferEncoding => {
                "Content-Length stands beside Transfer-Encoding"
            }
            Self::RepeatedTransferEncoding => "Transfer-Encoding is repeated",
            Self::UnsupportedTransferEncoding => "Transfer-Encoding is not chunked",
            Self::TransferEncodingInHttp10 => "Transfer-Encoding stands in HTTP/1.0",
            Self::UnsupportedExpectation => "Expect is not 100-continue",
            Self::InvalidStatus => "status is outside 100 to 599",
            Self::SwitchingProtocols => "upstream switched protocols unasked",
            Self::BodyOnBodilessStatus => "response that has no body announces one",
        };
        out.write_str(text)
    }
}

impl std::error::Error for HeadRefusal {}
