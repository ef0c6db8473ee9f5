//! The endpoints of HTTP+SSE (2024-11-05): where a client opens its stream, where it posts, and how a post names its stream.

/// Where clients open their stream: here, or at the server's name below.
pub(super) const SSE_PATH: &str = "/sse";

/// Where they post, likewise.
pub(super) const MESSAGE_PATH: &str = "/message";

/// The member of the query that names the stream of a post.
const SESSION_MEMBER: &[u8] = b"session=";

/// The `endpoint` that a client is told to post to for `server`, with its sealed session id.
///
/// Path and query alone, so it is of the stream's own origin whatever the client does with it.
#[must_use]
pub fn message_endpoint(server: &str, session: &str) -> String {
    format!("{MESSAGE_PATH}/{server}?session={session}")
}

/// The session that the query of a post names; `None` where it names none or several. The gateway wrote it without escapes.
#[must_use]
pub fn message_session(query: &[u8]) -> Option<&[u8]> {
    let mut values = query
        .split(|&byte| byte == b'&')
        .filter_map(|pair| pair.strip_prefix(SESSION_MEMBER));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::{message_endpoint, message_session};

    #[test]
    fn a_post_names_exactly_one_session() {
        let endpoint = message_endpoint("github", "abc-_1");
        assert_eq!(endpoint, "/message/github?session=abc-_1");
        for (query, session) in [
            ("session=abc", Some("abc")),
            ("a=b&session=abc&c", Some("abc")),
            ("session=", Some("")),
            ("", None),
            ("sessions=abc", None),
            ("session=abc&session=abc", None),
        ] {
            assert_eq!(
                message_session(query.as_bytes()),
                session.map(str::as_bytes),
                "{query}"
            );
        }
    }
}
