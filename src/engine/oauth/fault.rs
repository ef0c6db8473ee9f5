//! What clients are told when something is refused.

use std::fmt;

/// The registered error codes that the gateway uses (RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 8707 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthCode {
    /// `invalid_request`.
    InvalidRequest,
    /// `invalid_client`.
    InvalidClient,
    /// `invalid_grant`.
    InvalidGrant,
    /// `unauthorized_client`.
    UnauthorizedClient,
    /// `unsupported_grant_type`.
    UnsupportedGrantType,
    /// `unsupported_response_type`.
    UnsupportedResponseType,
    /// `invalid_scope`.
    InvalidScope,
    /// `invalid_target`.
    InvalidTarget,
    /// `access_denied`.
    AccessDenied,
    /// `server_error`.
    ServerError,
    /// `temporarily_unavailable`.
    TemporarilyUnavailable,
    /// `invalid_redirect_uri`.
    InvalidRedirectUri,
    /// `invalid_client_metadata`.
    InvalidClientMetadata,
}

impl OAuthCode {
    /// As registered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
        }
    }
}

/// A refusal: a code for programs, and a sentence for whoever writes the client. Both are of the gateway's own making: nothing
/// that a request said is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthFault {
    /// `error`.
    pub code: OAuthCode,
    /// `error_description`: printable ASCII without `"` and `\`.
    pub description: &'static str,
}

impl OAuthFault {
    /// Puts the two together. A test that reaches a description with a character that may not be in it goes red.
    #[must_use]
    pub const fn new(code: OAuthCode, description: &'static str) -> Self {
        debug_assert!(is_description(description), "RFC 6749 section 5.2");
        Self { code, description }
    }
}

/// Whether `text` may be an `error_description` (RFC 6749 §5.2).
const fn is_description(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e) {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

impl fmt::Display for OAuthFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.description)
    }
}

impl std::error::Error for OAuthFault {}
