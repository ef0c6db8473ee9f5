//! Failures at endpoints of OAuth, whose clients read errors of OAuth and whose people read words.

use super::Failure;
use crate::engine::audit::json::write_string;
use crate::engine::oauth::OAuthCode;

impl Failure {
    /// The registered code that comes closest.
    #[must_use]
    pub const fn oauth_code(&self) -> OAuthCode {
        match self.status() {
            429 | 503 => OAuthCode::TemporarilyUnavailable,
            500.. => OAuthCode::ServerError,
            _ => OAuthCode::InvalidRequest,
        }
    }

    /// Appends the error as programs read it at endpoints of OAuth (RFC 6749 §5.2).
    pub fn encode_oauth(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"error\":");
        write_string(self.oauth_code().as_str().as_bytes(), usize::MAX, out);
        out.extend_from_slice(b",\"error_description\":");
        write_string(self.message().as_bytes(), usize::MAX, out);
        out.push(b'}');
    }

    /// Appends the error as people read it, in one line of plain text.
    pub fn encode_text(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.message().as_bytes());
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn an_error_of_oauth_has_a_registered_code_and_words() {
        let rows = [
            (
                Failure::FormExpected,
                r#"{"error":"invalid_request","error_description":"content type must be application/x-www-form-urlencoded"}"#,
            ),
            (
                Failure::RateLimited {
                    retry_after_secs: 1,
                },
                r#"{"error":"temporarily_unavailable","error_description":"rate limit exceeded"}"#,
            ),
            (
                Failure::Overloaded,
                r#"{"error":"temporarily_unavailable","error_description":"gateway overloaded"}"#,
            ),
            (
                Failure::Internal,
                r#"{"error":"server_error","error_description":"internal error"}"#,
            ),
        ];
        for (failure, expected) in rows {
            let mut out = Vec::new();
            failure.encode_oauth(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
