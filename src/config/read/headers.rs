//! Which headers an operator may add or let through, and which the gateway keeps to itself.

use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::secret::Secret;

/// Framing and hop-by-hop headers (RFC 9110 §7.6.1): the gateway writes its own.
const FRAMING: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Request headers that the gateway writes to an upstream itself.
const OWN_REQUEST: [&str; 12] = [
    "accept",
    "accept-encoding",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "origin",
    "traceparent",
    "tracestate",
];

/// Request headers that carry credentials, or claims about the client that an upstream might believe.
const CLIENT_CLAIMS: [&str; 4] = ["authorization", "cookie", "forwarded", "via"];

/// Prefixes of the same.
const CLIENT_CLAIM_PREFIXES: [&str; 5] = [
    "x-forwarded-",
    "x-client-cert",
    "x-ssl-client-",
    "client-cert",
    "x-real-ip",
];

/// Response headers that never reach a client.
const KEPT_RESPONSE: [&str; 5] = [
    "server",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "x-request-id",
];

/// Prefix of CORS response headers: `[server.cors]` alone decides them.
const CORS_PREFIX: &str = "access-control-";

/// Prefix of what workers and bridges tell each other: nobody else writes or reads it.
const BRIDGE_PREFIX: &str = "x-guard-";

const NAME: &str = "a header name without underscores";

/// `headers` of an upstream.
pub(super) fn added(table: &Table<'_>) -> Vec<(String, Secret)> {
    let mut added: Vec<(String, Secret)> = Vec::new();
    for (name, secret) in table.secrets("headers") {
        let path = format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        if let Some(problem) = request_problem(&name, &[&FRAMING, &OWN_REQUEST], &[]) {
            table.report(&path, problem);
        } else if let Some((other, _)) = added
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(&lower))
        {
            table.report(
                &path,
                Problem::SameAs {
                    other: table.path_of(&format!("headers.{other}")),
                },
            );
        } else {
            added.push((name, secret));
        }
    }
    let authorization = added
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if authorization && (table.has("bearer_token") || table.has("bearer_token_file")) {
        let remedy = "both write the Authorization header; keep one of them";
        table.report(
            "bearer_token",
            Problem::Conflict {
                other: table.path_of("headers"),
                remedy,
            },
        );
    }
    added
}

/// `forward_headers` of an upstream, in lower case.
pub(super) fn forwarded_requests(table: &Table<'_>) -> Option<Vec<String>> {
    let lists: [&[&str]; 3] = [&FRAMING, &OWN_REQUEST, &CLIENT_CLAIMS];
    forwarded(table, "forward_headers", |name| {
        request_problem(name, &lists, &CLIENT_CLAIM_PREFIXES)
    })
}

/// `forward_response_headers` of an upstream, in lower case.
pub(super) fn forwarded_responses(table: &Table<'_>) -> Option<Vec<String>> {
    let lists: [&[&str]; 2] = [&FRAMING, &KEPT_RESPONSE];
    forwarded(table, "forward_response_headers", |name| {
        request_problem(name, &lists, &[CORS_PREFIX])
    })
}

/// Whether `text` is a header name (RFC 9110 §5.6.2) that every server reads alike: no underscore, which some read as `-`.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.!#$%&'*+^`|~".contains(&byte))
}

fn forwarded(
    table: &Table<'_>,
    key: &'static str,
    problem: impl Fn(&str) -> Option<Problem>,
) -> Option<Vec<String>> {
    let names = table.texts(key)?.into_iter().enumerate();
    let names = names.filter_map(|(index, name)| match problem(name) {
        None => Some(name.to_ascii_lowercase()),
        Some(problem) => {
            table.report(&format!("{key}[{index}]"), problem);
            None
        }
    });
    Some(names.collect())
}

fn request_problem(name: &str, lists: &[&[&str]], prefixes: &[&str]) -> Option<Problem> {
    if !is_name(name) {
        return Some(Problem::Malformed {
            value: Some(name.to_owned()),
            accepted: NAME.to_owned(),
        });
    }
    let lower = name.to_ascii_lowercase();
    let kept = lists.iter().any(|list| list.contains(&lower.as_str()))
        || lower.starts_with(BRIDGE_PREFIX)
        || prefixes.iter().any(|prefix| lower.starts_with(prefix));
    let reason = "the gateway decides it";
    kept.then(|| Problem::HeaderReserved {
        name: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::{CLIENT_CLAIM_PREFIXES, FRAMING, request_problem};

    #[test]
    fn what_bridges_are_told_is_nobodys_to_add_or_pass_on() {
        for (name, is_kept) in [
            ("x-guard-owner", true),
            ("X-Guard-Deliver", true),
            ("x-guarded", false),
            ("x-forwarded-for", true),
            ("x-trace", false),
        ] {
            let problem = request_problem(name, &[&FRAMING], &CLIENT_CLAIM_PREFIXES);
            assert_eq!(problem.is_some(), is_kept, "{name}");
        }
    }
}
