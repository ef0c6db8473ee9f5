//! The closed sets of label values.

use crate::engine::identity::jwt::TokenFault;
use crate::engine::identity::mtls::CertificateFault;
use crate::engine::identity::opaque::OpaqueFault;
use crate::engine::identity::{AuthFailure, Provider};

/// Declares a closed set of label values: an enum whose variants are indexes into rows of cells.
macro_rules! label_set {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of their indexes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label's text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// Position in a row of cells.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label_set! {
    /// How an authentication ended.
    AuthResult {
        /// A principal was made.
        Success => "success",
        /// No credential was sent.
        Missing => "credential_missing",
        /// The Authorization header is not one well-formed bearer token.
        Malformed => "credential_malformed",
        /// The token is no API key and nothing else is configured.
        NotAnApiKey => "not_an_api_key",
        /// The key is not known.
        Unknown => "key_unknown",
        /// The key was valid once.
        Expired => "key_expired",
        /// [`TokenFault::Malformed`].
        TokenMalformed => "token_malformed",
        /// [`TokenFault::UnknownIssuer`].
        TokenIssuerUnknown => "token_issuer_unknown",
        /// [`TokenFault::Algorithm`].
        TokenAlgorithm => "token_algorithm",
        /// [`TokenFault::Critical`].
        TokenCritical => "token_critical",
        /// [`TokenFault::WrongType`].
        TokenType => "token_type",
        /// [`TokenFault::UnknownKey`].
        TokenKeyUnknown => "token_key_unknown",
        /// [`TokenFault::NoKeyId`].
        TokenNoKeyId => "token_no_key_id",
        /// [`TokenFault::KeysMissing`].
        TokenKeysMissing => "token_keys_missing",
        /// [`TokenFault::BadSignature`].
        TokenSignature => "token_signature",
        /// [`TokenFault::NoExpiry`].
        TokenNoExpiry => "token_no_expiry",
        /// [`TokenFault::Expired`].
        TokenExpired => "token_expired",
        /// [`TokenFault::NotYetValid`].
        TokenNotYetValid => "token_not_yet_valid",
        /// [`TokenFault::WrongAudience`].
        TokenAudience => "token_audience",
        /// [`TokenFault::NoUser`].
        TokenNoUser => "token_no_user",
        /// [`TokenFault::BadClaim`].
        TokenClaim => "token_claim",
        /// [`TokenFault::Revoked`].
        TokenRevoked => "token_revoked",
        /// [`OpaqueFault::Unasked`].
        OpaqueUnasked => "opaque_unasked",
        /// [`OpaqueFault::Inactive`].
        OpaqueInactive => "opaque_inactive",
        /// [`OpaqueFault::Unavailable`].
        OpaqueUnavailable => "opaque_unavailable",
        /// [`OpaqueFault::OtherAudience`].
        OpaqueAudience => "opaque_audience",
        /// [`OpaqueFault::NoUser`].
        OpaqueNoUser => "opaque_no_user",
        /// [`OpaqueFault::Expired`].
        OpaqueExpired => "opaque_expired",
        /// [`OpaqueFault::OwnSecret`].
        OpaqueOwnSecret => "opaque_own_secret",
        /// [`CertificateFault::Unreadable`].
        CertificateMalformed => "certificate_malformed",
        /// [`CertificateFault::NoIdentity`].
        CertificateNoIdentity => "certificate_no_identity",
        /// [`CertificateFault::Ambiguous`].
        CertificateAmbiguous => "certificate_ambiguous",
        /// [`CertificateFault::BadName`].
        CertificateBadName => "certificate_bad_name",
        /// [`CertificateFault::Unmapped`].
        CertificateUnmapped => "certificate_unmapped",
        /// [`CertificateFault::OutOfTime`].
        CertificateOutOfTime => "certificate_out_of_time",
        /// [`CertificateFault::Unverified`].
        CertificateUnverified => "certificate_unverified",
        /// [`CertificateFault::BadHeaders`].
        CertificateHeaders => "certificate_headers",
        /// [`CertificateFault::BesideBearer`].
        CertificateBesideBearer => "certificate_beside_bearer",
        /// Refused before the check: too many failures from this address.
        Limited => "limited",
    }
}

impl From<AuthFailure> for AuthResult {
    fn from(failure: AuthFailure) -> Self {
        match failure {
            AuthFailure::Missing => Self::Missing,
            AuthFailure::Malformed(_) => Self::Malformed,
            AuthFailure::NotAnApiKey => Self::NotAnApiKey,
            AuthFailure::UnknownKey => Self::Unknown,
            AuthFailure::ExpiredKey => Self::Expired,
            AuthFailure::Token(fault) | AuthFailure::OwnToken(fault) => fault.into(),
            AuthFailure::Opaque(fault) => fault.into(),
            AuthFailure::Certificate(fault) => fault.into(),
        }
    }
}

impl From<TokenFault> for AuthResult {
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::Malformed => Self::TokenMalformed,
            TokenFault::UnknownIssuer => Self::TokenIssuerUnknown,
            TokenFault::Algorithm => Self::TokenAlgorithm,
            TokenFault::Critical => Self::TokenCritical,
            TokenFault::WrongType => Self::TokenType,
            TokenFault::UnknownKey(_) => Self::TokenKeyUnknown,
            TokenFault::NoKeyId => Self::TokenNoKeyId,
            TokenFault::KeysMissing(_) => Self::TokenKeysMissing,
            TokenFault::Untried => Self::Limited,
            TokenFault::BadSignature => Self::TokenSignature,
            TokenFault::NoExpiry => Self::TokenNoExpiry,
            TokenFault::Expired => Self::TokenExpired,
            TokenFault::NotYetValid => Self::TokenNotYetValid,
            TokenFault::WrongAudience => Self::TokenAudience,
            TokenFault::NoUser => Self::TokenNoUser,
            TokenFault::BadClaim => Self::TokenClaim,
            TokenFault::Revoked => Self::TokenRevoked,
        }
    }
}

impl From<OpaqueFault> for AuthResult {
    fn from(fault: OpaqueFault) -> Self {
        match fault {
            OpaqueFault::Unasked => Self::OpaqueUnasked,
            OpaqueFault::Untried => Self::Limited,
            OpaqueFault::Inactive => Self::OpaqueInactive,
            OpaqueFault::Unavailable => Self::OpaqueUnavailable,
            OpaqueFault::OtherAudience => Self::OpaqueAudience,
            OpaqueFault::NoUser => Self::OpaqueNoUser,
            OpaqueFault::Expired => Self::OpaqueExpired,
            OpaqueFault::OwnSecret => Self::OpaqueOwnSecret,
        }
    }
}

impl From<CertificateFault> for AuthResult {
    fn from(fault: CertificateFault) -> Self {
        match fault {
            CertificateFault::Unreadable(_) => Self::CertificateMalformed,
            CertificateFault::NoIdentity => Self::CertificateNoIdentity,
            CertificateFault::Ambiguous => Self::CertificateAmbiguous,
            CertificateFault::BadName => Self::CertificateBadName,
            CertificateFault::Unmapped => Self::CertificateUnmapped,
            CertificateFault::OutOfTime => Self::CertificateOutOfTime,
            CertificateFault::Unverified => Self::CertificateUnverified,
            CertificateFault::BadHeaders => Self::CertificateHeaders,
            CertificateFault::BesideBearer => Self::CertificateBesideBearer,
        }
    }
}

/// The label of a provider; `none` where no credential named one.
#[must_use]
pub fn provider_label(provider: Option<Provider>) -> &'static str {
    provider.map_or("none", Provider::as_str)
}

label_set! {
    /// How a request to an upstream ended.
    UpstreamResult {
        /// An HTTP answer below 500 arrived.
        Ok => "ok",
        /// An HTTP answer of 500 or above arrived.
        ServerError => "server_error",
        /// No connection: refused, unreachable, not resolved.
        Unreachable => "unreachable",
        /// A connection, and no TLS on it: the upstream's certificate was refused, or the handshake failed.
        TlsFailed => "tls_failed",
        /// No connection within `connect_timeout`, or no first byte within `timeout`.
        Timeout => "timeout",
        /// The answer was not valid HTTP or not a list that could be filtered.
        BadAnswer => "bad_answer",
        /// The upstream ended a started answer early.
        Aborted => "aborted",
        /// The client went away first.
        ClientGone => "client_gone",
        /// The upstream refused the gateway's own credentials.
        CredentialsRefused => "credentials_refused",
    }
}

label_set! {
    /// A bound that was reached (`mcp_guard_bounds_reached_total`).
    Bound {
        /// `limits.connections`.
        Connections => "connections",
        /// `limits.connections_per_ip`.
        ConnectionsPerIp => "connections_per_ip",
        /// `limits.head_bytes` or `limits.headers`.
        Head => "head",
        /// `limits.header_timeout`.
        HeadTime => "head_time",
        /// `server.max_request_size`.
        Body => "body",
        /// `limits.body_timeout`.
        BodyTime => "body_time",
        /// `limits.idle_timeout`.
        IdleTime => "idle_time",
        /// A peer that does not read: the write stall bound.
        WriteStall => "write_stall",
        /// `limits.json_depth` and the other bounds of the scanner.
        Json => "json",
        /// Members of a batch.
        Batch => "batch",
        /// `limits.streams_per_principal`.
        Streams => "streams",
        /// `limits.list_bytes`.
        ListBytes => "list_bytes",
        /// An upstream's head, chunk or event.
        UpstreamAnswer => "upstream_answer",
        /// `rate_limit.identities_max`.
        Identities => "identities",
        /// The audit lane is full.
        AuditLane => "audit_lane",
        /// Failed authentications of one address (`rate_limit.unauthenticated_per_ip`).
        AuthFailures => "auth_failures",
        /// No file descriptor or kernel memory for another connection.
        Descriptors => "descriptors",
        /// A request header that is not forwarded because its name holds `_`.
        UnderscoreHeader => "underscore_header",
        /// A request header about a client certificate that is not believed: nobody trusted sent it.
        IdentityHeader => "identity_header",
        /// Requests of one address to endpoints of OAuth.
        OAuthRequests => "oauth_requests",
        /// Requests to endpoints of OAuth that wait for control.
        OAuthWaiting => "oauth_waiting",
        /// Requests that wait for the issuers of their opaque tokens.
        VouchWaiting => "vouch_waiting",
        /// Exchanges that run on after their client went away.
        Detached => "detached",
    }
}

label_set! {
    /// How a request to an endpoint of OAuth ended (`mcp_guard_oauth_requests_total`).
    OAuthResult {
        /// A page or a document was shown, or the user sent on.
        Shown => "shown",
        /// Somebody has logged in, or a token was issued.
        Granted => "granted",
        /// Somebody may not, or a credential is bad.
        Denied => "denied",
        /// The request breaks a rule of the protocol, or a bound.
        Refused => "refused",
        /// Something of ours or the provider's failed.
        Failed => "failed",
        /// The address asks too often.
        Limited => "limited",
        /// The client left before it was answered.
        Gone => "gone",
    }
}

label_set! {
    /// How a fetch of an issuer's keys ended.
    JwksResult {
        /// Keys came, and they are others than before.
        Changed => "changed",
        /// The same keys came.
        Unchanged => "unchanged",
        /// The host does not resolve, does not accept, or TLS with it failed.
        Unreachable => "unreachable",
        /// The host is, or resolves to, an address that is never fetched from.
        Forbidden => "forbidden",
        /// No whole answer in time.
        TimedOut => "timeout",
        /// An answer with a status other than 200, redirects among them.
        BadStatus => "bad_status",
        /// An answer that is no set of keys that can be used.
        BadAnswer => "bad_answer",
    }
}

label_set! {
    /// How a question about an opaque token ended (`mcp_guard_oauth_vouches_total`).
    VouchResult {
        /// The provider vouches for it.
        Active => "active",
        /// It is worth nothing, or not for this gateway.
        Inactive => "inactive",
        /// It is good, and its user may not use the gateway.
        NotAllowed => "not_allowed",
        /// The provider could not be asked.
        Unavailable => "unavailable",
        /// It was answered from what was known.
        Remembered => "remembered",
    }
}

label_set! {
    /// What a provider, or the host of a client's document, is asked for (`mcp_guard_oauth_provider_requests_total`).
    ProviderCall {
        /// Its metadata.
        Discovery => "discovery",
        /// Tokens.
        Token => "token",
        /// What is known of a user.
        UserInfo => "userinfo",
        /// What a token is worth.
        Introspection => "introspection",
        /// The metadata document of a client.
        ClientDocument => "client_document",
    }
}

label_set! {
    /// How a request to a provider ended.
    ProviderResult {
        /// An answer that can be used.
        Ok => "ok",
        /// It says no: a status of 400 to 499, or an error in the answer.
        Refused => "refused",
        /// The host does not resolve, does not accept, or TLS with it failed.
        Unreachable => "unreachable",
        /// The host is, or resolves to, an address that is never asked.
        Forbidden => "forbidden",
        /// No whole answer in time.
        TimedOut => "timeout",
        /// It is in trouble: a status of 500 or above, or 429.
        Down => "down",
        /// An answer that cannot be used, redirects among them.
        BadAnswer => "bad_answer",
    }
}

label_set! {
    /// How a reload ended.
    ReloadResult {
        /// The new configuration is in force.
        Applied => "applied",
        /// The file does not load or compile; the old configuration stays.
        Rejected => "rejected",
        /// Applied, but for settings that need a restart.
        RestartNeeded => "restart_needed",
    }
}

label_set! {
    /// How a TLS handshake with a client ended (`mcp_guard_tls_handshakes_total`).
    TlsHandshake {
        /// A new session began.
        Full => "full",
        /// An earlier session was resumed.
        Resumed => "resumed",
        /// Not within `limits.header_timeout`, or not before a drain.
        TimedOut => "timed_out",
        /// The client left.
        Gone => "gone",
        /// The client does not speak TLS.
        NotTls => "not_tls",
        /// The client's certificate was refused, or is missing.
        Certificate => "certificate",
        /// The client broke the protocol, or has nothing in common with the listener.
        Protocol => "protocol",
    }
}

label_set! {
    /// What became of certificates that changed on the disk (`mcp_guard_tls_reloads_total`).
    TlsReload {
        /// They are in force.
        Applied => "applied",
        /// They cannot be used; those of before stay.
        Rejected => "rejected",
    }
}

label_set! {
    /// What became of a wish for a stdio child (`mcp_guard_child_starts_total`).
    ChildStart {
        /// The process runs.
        Started => "started",
        /// The process could not be started.
        Failed => "failed",
        /// Not tried: children of the server failed lately.
        BackingOff => "backing_off",
    }
}

label_set! {
    /// How a stdio child ended (`mcp_guard_child_ends_total`).
    ChildEnd {
        /// After its input was closed, as it should.
        Closed => "closed",
        /// After SIGTERM.
        Terminated => "terminated",
        /// By SIGKILL: it ended neither with its input nor after SIGTERM.
        Killed => "killed",
        /// By itself, in the middle of its session.
        Exited => "exited",
        /// By SIGKILL, because of a line larger than `limits.line_bytes`.
        LineTooLarge => "line_too_large",
    }
}

label_set! {
    /// What happened to a session that the gateway itself holds (`mcp_guard_sessions_total`).
    SessionEvent {
        /// It began.
        Begun => "begun",
        /// It ended because nothing used it (`limits.session_idle_timeout`).
        Expired => "expired",
        /// It was idle, and ended to make room for another.
        Displaced => "displaced",
        /// It was wanted, and found no room.
        Refused => "refused",
    }
}

label_set! {
    /// Why a message of a server reached no client (`mcp_guard_unplaced_messages_total`).
    UnplacedMessage {
        /// An answer to nothing that waited.
        StrayResponse => "stray_response",
        /// What it said is no message.
        Unreadable => "unreadable",
        /// Nobody took it, and there was no room to keep it.
        Lost => "lost",
    }
}

/// HTTP statuses that have a label of their own; the last slot is for all others.
pub const STATUSES: [&str; 31] = [
    "200", "201", "202", "204", "301", "302", "303", "304", "307", "308", "400", "401", "403",
    "404", "405", "406", "408", "409", "413", "414", "415", "421", "429", "431", "500", "501",
    "502", "503", "504", "505", "other",
];

/// The slot of `status` in [`STATUSES`].
#[inline]
#[must_use]
pub(super) const fn status_slot(status: u16) -> usize {
    match status {
        200 => 0,
        201 => 1,
        202 => 2,
        204 => 3,
        301 => 4,
        302 => 5,
        303 => 6,
        304 => 7,
        307 => 8,
        308 => 9,
        400 => 10,
        401 => 11,
        403 => 12,
        404 => 13,
        405 => 14,
        406 => 15,
        408 => 16,
        409 => 17,
        413 => 18,
        414 => 19,
        415 => 20,
        421 => 21,
        429 => 22,
        431 => 23,
        500 => 24,
        501 => 25,
        502 => 26,
        503 => 27,
        504 => 28,
        505 => 29,
        _ => STATUSES.len() - 1,
    }
}

/// The label of `status`: its digits, or `other`.
#[must_use]
pub const fn status_label(status: u16) -> &'static str {
    STATUSES[status_slot(status)]
}

#[cfg(test)]
mod tests {
    use super::{AuthResult, Bound, STATUSES, status_label};

    #[test]
    fn every_named_status_is_its_own_label() {
        for label in &STATUSES[..STATUSES.len() - 1] {
            assert_eq!(label.parse().map(status_label), Ok(*label));
        }
        for odd in [0, 100, 199, 206, 299, 418, 499, 599, 999, u16::MAX] {
            assert_eq!(status_label(odd), "other");
        }
    }

    #[test]
    fn an_index_is_the_position_in_all() {
        for (index, bound) in Bound::ALL.iter().enumerate() {
            assert_eq!(bound.index(), index);
        }
        assert_eq!(
            AuthResult::ALL[AuthResult::Expired.index()].as_str(),
            "key_expired"
        );
    }
}
