//! HTTP/1.1 without IO (RFC 9110, RFC 9112): heads, framing and bodies as bytes in and facts out.
