//! The name, kind, help text and labels of every metric.

/// What kind of numbers a family holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Durations in seconds by bucket.
    Histogram,
}

impl Kind {
    /// As in a `# TYPE` line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric family.
#[derive(Debug)]
pub struct Family {
    /// Full name, unit and `_total` last.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// One sentence for the `# HELP` line and the documentation.
    pub help: &'static str,
    /// Label names, in the order in which values are given.
    pub labels: &'static [&'static str],
}

macro_rules! families {
    ($($ident:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $ident: Family =
                Family { name: $name, kind: Kind::$kind, help: $help, labels: &[$($label),*] };
        )+

        impl Family {
            /// Every family, in the order of the exposition.
            pub const ALL: &'static [&'static Family] = &[$(&$ident),+];
        }
    };
}

families! {
    REQUESTS Counter "mcp_guard_requests_total" ["method", "status"]
        "Requests answered, by JSON-RPC method and HTTP status.";
    REQUEST_DURATION Histogram "mcp_guard_request_duration_seconds" ["method"]
        "Time from the first byte of a request to the last byte of its answer.";
    REQUESTS_IN_FLIGHT Gauge "mcp_guard_requests_in_flight" []
        "Requests being served, event streams included.";
    REQUEST_BYTES Counter "mcp_guard_request_bytes_total" []
        "Bytes of request bodies read.";
    RESPONSE_BYTES Counter "mcp_guard_response_bytes_total" []
        "Bytes of answers sent.";
    AUTH Counter "mcp_guard_auth_total" ["provider", "result"]
        "Authentications, by provider and result.";
    DECISIONS Counter "mcp_guard_decisions_total" ["decision"]
        "JSON-RPC messages judged, by decision.";
    RATE_LIMIT Counter "mcp_guard_rate_limit_total" ["allowed"]
        "Questions to the quota, by answer.";
    ACTIVE_IDENTITIES Gauge "mcp_guard_active_identities" []
        "Identities that have a live quota bucket.";
    UPSTREAM_REQUESTS Counter "mcp_guard_upstream_requests_total" ["server", "transport", "result"]
        "Requests to an upstream, by result.";
    UPSTREAM_LATENCY Histogram "mcp_guard_upstream_latency_seconds" ["server", "transport", "result"]
        "Time until the first byte of an upstream's answer, or until the failure.";
    UPSTREAM_CONNECTIONS Gauge "mcp_guard_upstream_connections" ["server", "transport", "state"]
        "Connections to an upstream that carry an exchange (busy) or wait in the pool (idle).";
    UPSTREAM_OPENED Counter "mcp_guard_upstream_connections_opened_total" ["server", "transport"]
        "Connections opened to an upstream.";
    UPSTREAM_REUSED Counter "mcp_guard_upstream_connections_reused_total" ["server", "transport"]
        "Requests sent over a connection that had been used before.";
    UPSTREAM_UP Gauge "mcp_guard_upstream_up" ["server", "transport"]
        "1 where the last probe of a required upstream connected, else 0.";
    CHILDREN Gauge "mcp_guard_children" ["server"]
        "Processes of a stdio server that run or are being stopped.";
    CHILD_STARTS Counter "mcp_guard_child_starts_total" ["server", "result"]
        "Processes of a stdio server that were wanted, by result.";
    CHILD_ENDS Counter "mcp_guard_child_ends_total" ["server", "how"]
        "Processes of a stdio server that ended, by the way in which they did.";
    SESSIONS Gauge "mcp_guard_sessions" []
        "Sessions of clients that the gateway itself holds, in front of stdio, HTTP+SSE and translated servers.";
    SESSION_EVENTS Counter "mcp_guard_sessions_total" ["event"]
        "What happened to sessions that the gateway itself holds.";
    UNPLACED_MESSAGES Counter "mcp_guard_unplaced_messages_total" ["reason"]
        "Messages of servers, in sessions that the gateway itself holds, that reached no client.";
    CONNECTIONS Gauge "mcp_guard_connections" []
        "Client connections open.";
    CONNECTIONS_ACCEPTED Counter "mcp_guard_connections_accepted_total" []
        "Client connections accepted.";
    TLS_HANDSHAKES Counter "mcp_guard_tls_handshakes_total" ["result"]
        "TLS handshakes with clients, by result.";
    TLS_CERTIFICATE_ENDS Gauge "mcp_guard_tls_certificate_expiry_timestamp_seconds" ["key"]
        "When one of the gateway's own certificates ends, in Unix time, by the configuration key that names its file.";
    TLS_RELOADS Counter "mcp_guard_tls_reloads_total" ["result"]
        "Readings of certificates that changed on the disk, by result.";
    OAUTH_CLIENTS Gauge "mcp_guard_oauth_clients" []
        "Clients of the authorization server that registered themselves, as of the last sweep.";
    OAUTH_GRANTS Gauge "mcp_guard_oauth_grants" []
        "Grants of users that have not ended, as of the last sweep.";
    STREAMS Gauge "mcp_guard_streams" []
        "Event streams open towards clients.";
    BOUNDS_REACHED Counter "mcp_guard_bounds_reached_total" ["bound"]
        "Times that a bound was reached, by its name.";
    AUDIT_RECORDS Counter "mcp_guard_audit_records_total" []
        "Audit records queued by workers.";
    AUDIT_DROPPED Counter "mcp_guard_audit_dropped_total" []
        "Audit records lost because a lane was full and audit.overflow is drop.";
    AUDIT_REFUSED Counter "mcp_guard_audit_refused_total" []
        "Requests refused because their audit record had no room.";
    AUDIT_QUEUED_BYTES Gauge "mcp_guard_audit_queued_bytes" []
        "Bytes of audit records that wait to be written.";
    AUDIT_LAG Gauge "mcp_guard_audit_lag_seconds" []
        "Age of the oldest audit record that is not written yet.";
    AUDIT_WRITTEN_BYTES Counter "mcp_guard_audit_written_bytes_total" []
        "Bytes of audit records written to their sinks.";
    AUDIT_WRITE_ERRORS Counter "mcp_guard_audit_write_errors_total" []
        "Writes to an audit sink that failed.";
    CONFIG_REVISION Gauge "mcp_guard_config_revision" []
        "Revision of the configuration in force: 1 at the start, one more with each reload that was applied.";
    CONFIG_RELOADS Counter "mcp_guard_config_reloads_total" ["result"]
        "Reloads, by result.";
    READY Gauge "mcp_guard_ready" []
        "1 while /ready answers 200, else 0.";
    OAUTH_REQUESTS Counter "mcp_guard_oauth_requests_total" ["endpoint", "outcome"]
        "Requests to endpoints of OAuth, by outcome.";
    JWKS_FETCHES Counter "mcp_guard_jwks_fetches_total" ["issuer", "result"]
        "Fetches of an issuer's keys, by result.";
    JWKS_AGE Gauge "mcp_guard_jwks_age_seconds" ["issuer"]
        "Time since an issuer's keys were last fetched well.";
    JWKS_KEYS Gauge "mcp_guard_jwks_keys" ["issuer"]
        "Keys of an issuer that are in use.";
    JWKS_STALE Gauge "mcp_guard_jwks_stale" ["issuer"]
        "1 while keys of an issuer are used beyond their time because they cannot be fetched, else 0.";
    OAUTH_VOUCHES Counter "mcp_guard_oauth_vouches_total" ["result"]
        "Questions about opaque tokens, by result.";
    OAUTH_PROVIDER_REQUESTS Counter "mcp_guard_oauth_provider_requests_total" ["call", "result"]
        "Requests to the identity provider and to hosts of client documents, by what was asked and by result.";
    WORKER_REQUESTS Counter "mcp_guard_worker_requests_total" ["worker"]
        "Requests answered, by worker.";
    WORKER_CONNECTIONS Gauge "mcp_guard_worker_connections" ["worker"]
        "Client connections open, by worker.";
    WORKER_CPU Counter "mcp_guard_worker_cpu_seconds_total" ["worker"]
        "Processor time of a worker's thread.";
    UPTIME Gauge "mcp_guard_uptime_seconds" []
        "Seconds since the start.";
    BUILD_INFO Gauge "mcp_guard_build_info" ["version"]
        "Always 1; the version is in the label.";
    PROCESS_CPU Counter "process_cpu_seconds_total" []
        "Processor time of the process, user and system.";
    PROCESS_MEMORY Gauge "process_resident_memory_bytes" []
        "Resident memory of the process.";
    PROCESS_FDS Gauge "process_open_fds" []
        "File descriptors open.";
    PROCESS_FDS_MAX Gauge "process_max_fds" []
        "File descriptors that may be open.";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::BTreeSet;

    use super::{Family, Kind};

    const DOCS: &str = include_str!("../../docs/observability.md");

    #[test]
    fn names_are_unique_and_end_as_their_kind_demands() {
        let names: BTreeSet<_> = Family::ALL.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), Family::ALL.len());
        for family in Family::ALL {
            assert_eq!(
                family.name.ends_with("_total"),
                family.kind == Kind::Counter,
                "{}",
                family.name
            );
            assert!(family.help.ends_with('.'), "{}", family.name);
        }
    }

    #[test]
    fn the_documentation_lists_every_metric_and_nothing_else() {
        let documented: BTreeSet<String> = DOCS
            .lines()
            .filter(|line| is_row(line))
            .map(str::to_owned)
            .collect();
        let defined: BTreeSet<String> = Family::ALL.iter().map(|family| row(family)).collect();
        let missing: Vec<_> = defined.difference(&documented).collect();
        let unknown: Vec<_> = documented.difference(&defined).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "missing {missing:#?}\nunknown {unknown:#?}"
        );
    }

    fn is_row(line: &str) -> bool {
        line.starts_with("| `mcp_guard_") || line.starts_with("| `process_")
    }

    fn row(family: &Family) -> String {
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        format!(
            "| `{}` | {} | {} | {} |",
            family.name,
            family.kind.as_str(),
            labels.join(", "),
            family.help
        )
    }
}
