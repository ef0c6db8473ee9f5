//! CORS answers for browsers.

use super::OriginPolicy;

/// `[server.cors]`, enabled and compiled. The lists are header values, ready to send.
#[derive(Clone, Debug)]
pub struct Cors {
    /// Origins that get CORS headers. Never more than `server.allowed_origins`.
    pub origins: OriginPolicy,
    /// `Access-Control-Allow-Methods`.
    pub allow_methods: Box<str>,
    /// `Access-Control-Allow-Headers`.
    pub allow_headers: Box<str>,
    /// `Access-Control-Max-Age`, in seconds.
    pub max_age_secs: u32,
}

impl Cors {
    /// `Access-Control-Expose-Headers`: what clients of every revision need to read.
    pub const EXPOSE_HEADERS: &str =
        "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After, X-Request-Id";

    /// Default of `Access-Control-Allow-Methods`.
    pub const ALLOW_METHODS_DEFAULT: &str = "GET, POST, DELETE, OPTIONS";

    /// Default of `Access-Control-Allow-Headers`.
    pub const ALLOW_HEADERS_DEFAULT: &str = "Authorization, Content-Type, Accept, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name";
}
