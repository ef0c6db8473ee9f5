//! What bounds owe one another: a value that breaks it does not compile.

use super::{
    AUDIT_LANE_BYTES_MAX, AUDIT_RECORD_BYTES_MAX, AUDIT_WORD_BYTES_MAX, CLIENT_DOCUMENT_MS_MAX,
    CLIENT_DOCUMENTS_AT_ONCE_MAX, CREDENTIAL_BYTES_MAX, DRAIN_FINAL_MS_MAX, DRAIN_HANDSHAKE_MS,
    ENTRIES_MAX, JWT_ISSUERS_MAX, KEY_WAITERS_PER_WORKER_MAX, Limits, OAUTH_REQUESTS_AT_ONCE_MAX,
    OAUTH_VOUCH_MS_MAX, OAUTH_WAIT_MS_MAX, OAUTH_WAITERS_PER_ADDRESS_MAX,
    OAUTH_WAITERS_PER_WORKER_MAX, PATH_BYTES_MAX, QUOTA_SHARDS, SERVER_NAME_BYTES_MAX, SERVERS_MAX,
    VOUCH_WAITERS_PER_ADDRESS_MAX, VOUCH_WAITERS_PER_WORKER_MAX,
};

const _: () = {
    let limits = Limits::DEFAULT;
    assert!(
        CREDENTIAL_BYTES_MAX < limits.head_bytes,
        "a token must fit in a head"
    );
    assert!(
        JWT_ISSUERS_MAX <= KEY_WAITERS_PER_WORKER_MAX,
        "somebody must be able to wait for each source"
    );
    assert!(
        OAUTH_WAITERS_PER_ADDRESS_MAX < OAUTH_WAITERS_PER_WORKER_MAX
            && VOUCH_WAITERS_PER_ADDRESS_MAX < VOUCH_WAITERS_PER_WORKER_MAX,
        "one address cannot take every place"
    );
    assert!(
        2 * CLIENT_DOCUMENTS_AT_ONCE_MAX <= OAUTH_REQUESTS_AT_ONCE_MAX
            && 2 * CLIENT_DOCUMENTS_AT_ONCE_MAX <= OAUTH_WAITERS_PER_WORKER_MAX,
        "slow documents of strangers cannot stop what needs none"
    );
    assert!(
        CLIENT_DOCUMENT_MS_MAX + OAUTH_VOUCH_MS_MAX < OAUTH_WAIT_MS_MAX,
        "no client is told to try again while its refresh token is replaced"
    );
    assert!(
        PATH_BYTES_MAX < limits.head_bytes,
        "a path must fit in a head"
    );
    assert!(
        limits.body_bytes <= limits.list_bytes,
        "an echoed request must fit in an answer"
    );
    assert!(
        limits.list_bytes <= limits.event_bytes,
        "a list travels in an event"
    );
    assert!(
        limits.event_bytes < u32::MAX as usize,
        "spans are 32 bits wide"
    );
    assert!(
        limits.connections_per_ip <= limits.connections,
        "one address cannot exceed the whole"
    );
    assert!(
        limits.header_timeout_ms <= limits.idle_timeout_ms,
        "a slow head must not outlive an idle connection"
    );
    assert!(
        limits.sse_keepalive_ms < limits.idle_timeout_ms,
        "a kept-alive stream never looks idle to a peer like us"
    );
    assert!(
        DRAIN_HANDSHAKE_MS < DRAIN_FINAL_MS_MAX,
        "a worker outlives the handshakes that its drain waits for"
    );
    assert!(
        AUDIT_RECORD_BYTES_MAX * 64 <= AUDIT_LANE_BYTES_MAX,
        "a lane holds many records"
    );
    assert!(
        AUDIT_WORD_BYTES_MAX >= SERVER_NAME_BYTES_MAX,
        "a server is recorded whole"
    );
    assert!(QUOTA_SHARDS.is_power_of_two(), "shards are chosen by mask");
    assert!(
        SERVERS_MAX <= u16::MAX as usize,
        "a server index is 16 bits wide"
    );
    assert!(
        ENTRIES_MAX <= u16::MAX as usize,
        "a rule index is 16 bits wide"
    );
};
