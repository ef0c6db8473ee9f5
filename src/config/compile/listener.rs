//! Which Host and Origin values the main listener accepts, and what it tells browsers.

use crate::config::compile::Findings;
use crate::config::model::Server;
use crate::config::problem::Problem;
use crate::engine::route::{Cors, HostPolicy, HostSpec, OriginPolicy, OriginSpec, PolicyError};

pub(super) fn hosts(server: &Server, port: u16, findings: &mut Findings) -> HostPolicy {
    let spec = HostSpec {
        allowed_hosts: &server.allowed_hosts,
        public_url: server.public_url.as_deref(),
        bind: server.host,
        port,
    };
    HostPolicy::compile(spec).unwrap_or_else(|errors| {
        refuse("server.allowed_hosts", errors, findings);
        HostPolicy::any()
    })
}

pub(super) fn origins(server: &Server, port: u16, findings: &mut Findings) -> OriginPolicy {
    let spec = OriginSpec {
        allowed_origins: &server.allowed_origins,
        public_url: server.public_url.as_deref(),
        bind: server.host,
        port,
    };
    OriginPolicy::compile(spec).unwrap_or_else(|errors| {
        refuse("server.allowed_origins", errors, findings);
        OriginPolicy::default()
    })
}

/// CORS never lets in an origin that the server would refuse.
pub(super) fn cors(server: &Server, port: u16, findings: &mut Findings) -> Option<Cors> {
    if !server.cors.enabled {
        return None;
    }
    let all = origins(server, port, &mut Findings::default());
    for (index, origin) in server.cors.allowed_origins.iter().enumerate() {
        if !all.allows(origin.as_bytes()) {
            let problem = Problem::OriginNotAllowed {
                origin: origin.clone(),
            };
            findings.add(format!("server.cors.allowed_origins[{index}]"), problem);
        }
    }
    let own = || OriginPolicy::listed(&server.cors.allowed_origins).unwrap_or_default();
    Some(Cors {
        origins: if server.cors.allowed_origins.is_empty() {
            all
        } else {
            own()
        },
        allow_methods: server.cors.allowed_methods.join(", ").into(),
        allow_headers: server.cors.allowed_headers.join(", ").into(),
        max_age_secs: u32::try_from(server.cors.max_age.as_secs()).unwrap_or(u32::MAX),
    })
}

fn refuse(list: &str, errors: Vec<PolicyError>, findings: &mut Findings) {
    for error in errors {
        let key_path = error.index.map_or("server.public_url".to_owned(), |index| {
            format!("{list}[{index}]")
        });
        let accepted = error.reason.to_string();
        findings.add(
            key_path,
            Problem::Malformed {
                value: Some(error.entry),
                accepted,
            },
        );
    }
}
