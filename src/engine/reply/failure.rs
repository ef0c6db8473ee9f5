//! The failures, and what status, code and words each has.

use std::fmt;

use crate::engine::identity::ChallengeError;
use crate::engine::limits::OVERLOAD_RETRY_AFTER_SECS;
use crate::engine::policy::SubjectKind;

/// Everything that makes the gateway answer by itself with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    // ---- the head
    /// The head breaks HTTP's grammar or is ambiguous.
    BadHead,
    /// The head is larger, or has more fields, than the bounds allow.
    HeadTooLarge,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The HTTP version is not 1.0 or 1.1.
    HttpVersion,
    /// The Host value is not ours.
    ForeignHost,
    /// The Origin value is not among those allowed.
    ForeignOrigin,
    /// The path is not in its one normal form.
    BadPath,
    /// Nothing is at the path, or nothing that the caller may know of.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed {
        /// The Allow value.
        allow: &'static str,
    },
    /// The request wants the connection to become something else.
    UpgradeRefused,
    /// An Expect value other than `100-continue`.
    ExpectationFailed,

    // ---- the caller
    /// No credential, or a bad one.
    Unauthorized {
        /// What the challenge may say.
        challenge: ChallengeError,
    },
    /// The caller's token lacks scopes that its issuer could give it.
    InsufficientScope,
    /// The address failed to authenticate too often.
    AuthRateLimited {
        /// `Retry-After`, in seconds.
        retry_after_secs: u32,
    },
    /// Policy does not allow it, or it does not exist: one answer for both.
    Denied {
        /// What is not available.
        kind: Option<SubjectKind>,
    },
    /// The identity's quota is used up.
    RateLimited {
        /// `Retry-After`, in seconds.
        retry_after_secs: u32,
    },
    /// The identity has as many streams as it may have.
    TooManyStreams,

    // ---- the body
    /// The content type is not JSON.
    ContentType,
    /// The content type is not that of a form.
    FormExpected,
    /// The body is encoded.
    ContentEncoding,
    /// The body is larger than the bound.
    BodyTooLarge {
        /// The bound, in bytes.
        limit_bytes: usize,
    },
    /// The body did not arrive in time, or not whole.
    BodyTimeout,
    /// The body breaks HTTP's framing.
    BadBody,
    /// The body is not JSON that every parser reads alike.
    NotJson {
        /// What is wrong, in words of the gateway's own.
        detail: &'static str,
    },
    /// The body is JSON and no JSON-RPC message.
    NotAMessage {
        /// What is wrong, in words of the gateway's own.
        detail: &'static str,
    },
    /// A batch where the revision has none, or one of a forbidden shape.
    BatchRefused,

    // ---- headers and body together
    /// A header is missing or differs from the body: −32020.
    HeaderMismatch {
        /// Which, in words of the gateway's own.
        detail: &'static str,
    },
    /// A required `_meta` member is missing: −32602.
    MetaMissing {
        /// Which, in words of the gateway's own.
        detail: &'static str,
    },
    /// `params` lacks what the method needs: −32602.
    BadParams {
        /// What, in words of the gateway's own.
        detail: &'static str,
    },
    /// The era is one that the server behind the gateway does not speak: −32022.
    UnsupportedVersion,
    /// A revision header that names no revision of the legacy era.
    UnknownLegacyVersion,
    /// The method does not exist in the revision: 404 and −32601 on modern requests.
    UnknownMethod,
    /// A session id is required and missing.
    SessionMissing,
    /// The session is unknown, expired, or another identity's.
    SessionUnknown,
    /// A header that must be sent once, or have a certain form, is not so.
    BadHeader {
        /// Which, in words of the gateway's own.
        detail: &'static str,
    },

    // ---- the upstream
    /// The upstream refused the gateway's own credentials.
    UpstreamRefused,
    /// No connection to the upstream.
    UpstreamUnreachable,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream's answer cannot be understood, or breaks a bound.
    UpstreamBadAnswer,
    /// The upstream broke off in the middle of its answer.
    UpstreamBroke,

    // ---- the gateway
    /// As many requests are being served as may be.
    Overloaded,
    /// The gateway is stopping.
    Draining,
    /// There is no room for the request's audit record.
    AuditFull,
    /// The keys that the caller's token is signed with are not known at the moment, so nothing can be said of it.
    KeysUnavailable,
    /// A defect of the gateway.
    Internal,
}

impl Failure {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            // The only form of a refusal that every SDK shows with its code.
            Self::Denied { .. } => 200,
            Self::BadHead
            | Self::BadPath
            | Self::BadBody
            | Self::BadHeader { .. }
            | Self::NotJson { .. }
            | Self::NotAMessage { .. }
            | Self::BatchRefused
            | Self::HeaderMismatch { .. }
            | Self::MetaMissing { .. }
            | Self::BadParams { .. }
            | Self::UnsupportedVersion
            | Self::UnknownLegacyVersion
            | Self::UpgradeRefused
            | Self::SessionMissing => 400,
            Self::Unauthorized { .. } => 401,
            Self::ForeignOrigin | Self::InsufficientScope => 403,
            Self::NotFound | Self::UnknownMethod | Self::SessionUnknown => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::HeadTimeout | Self::BodyTimeout => 408,
            Self::BodyTooLarge { .. } => 413,
            Self::ContentType | Self::FormExpected | Self::ContentEncoding => 415,
            Self::ExpectationFailed => 417,
            Self::ForeignHost => 421,
            Self::AuthRateLimited { .. } | Self::RateLimited { .. } | Self::TooManyStreams => 429,
            Self::HeadTooLarge => 431,
            Self::Internal => 500,
            Self::UpstreamRefused
            | Self::UpstreamUnreachable
            | Self::UpstreamBadAnswer
            | Self::UpstreamBroke => 502,
            Self::Overloaded | Self::Draining | Self::AuditFull | Self::KeysUnavailable => 503,
            Self::UpstreamTimeout => 504,
            Self::HttpVersion => 505,
        }
    }

    /// The JSON-RPC error code.
    #[must_use]
    pub const fn rpc_code(&self) -> i32 {
        match self {
            Self::NotJson { .. } => -32700,
            Self::UnknownMethod => -32601,
            Self::MetaMissing { .. } | Self::BadParams { .. } => -32602,
            Self::HeaderMismatch { .. } => -32020,
            Self::UnsupportedVersion => -32022,
            Self::Unauthorized { .. } => 40101,
            Self::InsufficientScope => 40301,
            Self::Denied { .. } => 40302,
            Self::AuthRateLimited { .. } | Self::RateLimited { .. } | Self::TooManyStreams => 42901,
            Self::UpstreamRefused
            | Self::UpstreamUnreachable
            | Self::UpstreamTimeout
            | Self::UpstreamBadAnswer
            | Self::UpstreamBroke
            | Self::Overloaded
            | Self::Draining
            | Self::AuditFull
            | Self::KeysUnavailable
            | Self::Internal => -32603,
            _ => -32600,
        }
    }

    /// What the client is told. Constant, or words of the gateway's own: never text of a request or an upstream.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::BadHead => "malformed request head",
            Self::HeadTooLarge => "request head too large",
            Self::HeadTimeout => "request head timed out",
            Self::HttpVersion => "HTTP version not supported",
            Self::ForeignHost => "host not served here",
            Self::ForeignOrigin => "origin not allowed",
            Self::BadPath => "malformed request path",
            Self::NotFound => "not found",
            Self::MethodNotAllowed { .. } => "method not allowed",
            Self::UpgradeRefused => "upgrade refused",
            Self::ExpectationFailed => "expectation failed",
            Self::Unauthorized { .. } => "authentication required",
            Self::InsufficientScope => "insufficient scope",
            Self::AuthRateLimited { .. } => "too many failed authentications",
            Self::Denied {
                kind: Some(SubjectKind::Tool),
            } => "tool not available",
            Self::Denied {
                kind: Some(SubjectKind::Prompt),
            } => "prompt not available",
            Self::Denied {
                kind: Some(SubjectKind::Resource),
            } => "resource not available",
            Self::Denied {
                kind: Some(SubjectKind::Method),
            } => "method not available",
            Self::Denied { kind: None } => "not available",
            Self::RateLimited { .. } => "rate limit exceeded",
            Self::TooManyStreams => "too many open streams",
            Self::ContentType => "content type must be application/json",
            Self::FormExpected => "content type must be application/x-www-form-urlencoded",
            Self::ContentEncoding => "content encoding not supported",
            Self::BodyTooLarge { .. } => "request body too large",
            Self::BodyTimeout => "request body timed out",
            Self::BadBody => "malformed request body",
            Self::BatchRefused => "batch not allowed",
            Self::NotJson { detail }
            | Self::NotAMessage { detail }
            | Self::HeaderMismatch { detail }
            | Self::MetaMissing { detail }
            | Self::BadParams { detail }
            | Self::BadHeader { detail } => detail,
            Self::UnsupportedVersion | Self::UnknownLegacyVersion => {
                "protocol version not supported"
            }
            Self::UnknownMethod => "method not found",
            Self::SessionMissing => "session id required",
            Self::SessionUnknown => "session not found",
            Self::UpstreamRefused | Self::UpstreamUnreachable => "upstream unavailable",
            Self::UpstreamTimeout => "upstream timed out",
            Self::UpstreamBadAnswer => "upstream answer not usable",
            Self::UpstreamBroke => "upstream ended early",
            Self::Overloaded => "gateway overloaded",
            Self::Draining => "gateway is stopping",
            Self::AuditFull => "gateway cannot record requests",
            Self::KeysUnavailable => "token cannot be checked now",
            Self::Internal => "internal error",
        }
    }

    /// Whether the connection must end with the answer: what follows on it cannot be trusted to be a request.
    #[must_use]
    pub const fn closes(&self) -> bool {
        matches!(
            self,
            Self::BadHead
                | Self::HeadTooLarge
                | Self::HeadTimeout
                | Self::HttpVersion
                | Self::ForeignHost
                | Self::UpgradeRefused
                | Self::ExpectationFailed
                | Self::BodyTooLarge { .. }
                | Self::BodyTimeout
                | Self::BadBody
                | Self::ContentEncoding
                | Self::Draining
        )
    }

    /// `Retry-After`, in seconds, where the answer has one.
    #[must_use]
    pub const fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::AuthRateLimited { retry_after_secs } | Self::RateLimited { retry_after_secs } => {
                Some(*retry_after_secs)
            }
            Self::TooManyStreams
            | Self::Overloaded
            | Self::Draining
            | Self::AuditFull
            | Self::KeysUnavailable => Some(OVERLOAD_RETRY_AFTER_SECS),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Failure {}
