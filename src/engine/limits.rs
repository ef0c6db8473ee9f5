//! Every bound of the gateway, with its unit.
//!
//! A constant is a bound that no operator needs to move. [`Limits`] holds those that one may, under `[server.limits]` and
//! `[server]`, with their defaults. Relations between bounds are asserted at compile time, so a change that breaks one does
//! not build.

mod relations;

/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

// ---------------------------------------------------------------------------------------------------------------- names

/// Longest server name, in bytes.
pub const SERVER_NAME_BYTES_MAX: usize = 64;

/// Most upstream servers that one gateway routes to.
pub const SERVERS_MAX: usize = 1_024;

/// Longest identity id, in bytes.
pub const IDENTITY_ID_BYTES_MAX: usize = 256;

/// Most API keys in a configuration.
pub const API_KEYS_MAX: usize = 100_000;

/// Most issuers of signed tokens in a configuration.
pub const JWT_ISSUERS_MAX: usize = 64;

/// Time for one fetch of a JWK Set, from the look-up of its host to its last byte, in milliseconds.
pub const JWKS_FETCH_MS_MAX: u64 = 10 * SECOND_MS;

/// Least time that a fetched JWK Set counts as fresh, whatever its `Cache-Control` says, in milliseconds.
pub const JWKS_LIFE_MS_MIN: u64 = 60 * SECOND_MS;

/// How long a JWK Set is used beyond its life where it cannot be fetched, in milliseconds.
pub const JWKS_STALE_MS_MAX: u64 = 24 * 3_600 * SECOND_MS;

/// First pause before a failed fetch of a JWK Set is tried again, in milliseconds. It doubles each time.
pub const JWKS_RETRY_MS_MIN: u64 = SECOND_MS;

/// Longest pause before a failed fetch of a JWK Set is tried again, in milliseconds.
pub const JWKS_RETRY_MS_MAX: u64 = 60 * SECOND_MS;

/// Least time between two fetches of a JWK Set that requests ask for, in the long run, in milliseconds.
pub const JWKS_ASK_INTERVAL_MS: u64 = 10 * SECOND_MS;

/// Fetches of a JWK Set that requests may ask for at once.
pub const JWKS_ASK_BURST: u32 = 3;

/// How long a start or a reload waits for the first fetches of new JWK Sets, in milliseconds.
pub const JWKS_FIRST_MS_MAX: u64 = 5 * SECOND_MS;

/// How long a request waits for keys that its token needs, in milliseconds.
pub const KEY_WAIT_MS_MAX: u64 = 3 * SECOND_MS;

/// Requests of one worker that wait for keys at once, in equal shares for each source. Beyond it they are answered without.
pub const KEY_WAITERS_PER_WORKER_MAX: usize = 256;

/// Time for one request to an identity provider, from the look-up of its host to the last byte, in milliseconds.
pub const PROVIDER_REQUEST_MS_MAX: u64 = 8 * SECOND_MS;

/// Largest answer of an identity provider that is read, in bytes.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 256 * 1_024;

/// Longest token of an identity provider, in bytes.
pub const PROVIDER_TOKEN_BYTES_MAX: usize = 64 * 1_024;

/// Most scopes of one answer of an identity provider that are looked at.
pub const GRANTED_SCOPES_MAX: usize = 256;

/// How far the clock of an identity provider may be off, in seconds.
pub const PROVIDER_CLOCK_SECS_MAX: u64 = 60;

/// How long the metadata of an identity provider counts as fresh, in milliseconds.
pub const DISCOVERY_LIFE_MS: u64 = 3_600 * SECOND_MS;

/// How long the metadata of an identity provider is used where it cannot be fetched again, in milliseconds.
pub const DISCOVERY_STALE_MS_MAX: u64 = 24 * 3_600 * SECOND_MS;

/// Least time between two failed fetches of the metadata of an identity provider, in milliseconds.
pub const DISCOVERY_RETRY_MS: u64 = 2 * SECOND_MS;

/// Tokens of the identity provider that are remembered because the request that they came by failed later.
pub const RESCUED_TOKENS_MAX: usize = 1_024;

/// How long they are remembered, in milliseconds.
pub const RESCUED_TOKENS_MS: u64 = 24 * 3_600 * SECOND_MS;

/// Opaque tokens that the identity provider is asked about at once.
pub const VOUCHES_AT_ONCE_MAX: usize = 32;

/// Opaque tokens that wait until the identity provider can be asked about them.
pub const VOUCHES_WAITING_MAX: usize = 1_024;

/// Requests that wait for what the identity provider says of one opaque token.
pub const VOUCH_WAITERS_MAX: usize = 256;

/// Good opaque tokens that are remembered.
pub const VOUCHED_MAX: usize = 65_536;

/// Opaque tokens that are worth nothing and are remembered.
pub const UNVOUCHED_MAX: usize = 16_384;

/// How long an opaque token counts as worth nothing after the identity provider said so, in milliseconds.
pub const UNVOUCHED_MS: u64 = 60 * SECOND_MS;

/// Questions about opaque tokens that fail in a row before the identity provider is left alone for a while.
pub const VOUCH_FAILURES_MAX: u32 = 3;

/// How long an identity provider that does not answer is left alone, in milliseconds.
pub const VOUCH_PAUSE_MS: u64 = 2 * SECOND_MS;

/// Largest metadata document of a client, in bytes.
pub const CLIENT_DOCUMENT_BYTES_MAX: usize = 16 * 1_024;

/// Time for one fetch of a client's metadata document, from the look-up of its host to the last byte, in milliseconds.
pub const CLIENT_DOCUMENT_MS_MAX: u64 = 5 * SECOND_MS;

/// Least time that a client's metadata document counts as fresh, in milliseconds.
pub const CLIENT_DOCUMENT_LIFE_MS_MIN: u64 = 300 * SECOND_MS;

/// Longest time that a client's metadata document counts as fresh, in milliseconds.
pub const CLIENT_DOCUMENT_LIFE_MS_MAX: u64 = 24 * 3_600 * SECOND_MS;

/// How long a client's metadata document that cannot be had is not asked for again, in milliseconds.
pub const CLIENT_DOCUMENT_RETRY_MS: u64 = 60 * SECOND_MS;

/// How long after its end a client's metadata document still counts where too many others are asked for, in milliseconds.
pub const CLIENT_DOCUMENT_STALE_MS_MAX: u64 = 24 * 3_600 * SECOND_MS;

/// Metadata documents of clients that are remembered, and as many that cannot be had.
pub const CLIENT_DOCUMENTS_MAX: usize = 1_000;

/// Requests that fetch the metadata document of a client, or wait for one that is being fetched, at once.
pub const CLIENT_DOCUMENTS_AT_ONCE_MAX: usize = 32;

/// Metadata documents that are fetched in a minute, in the long run.
pub const CLIENT_DOCUMENTS_PER_MINUTE: u32 = 60;

/// Metadata documents that may be fetched one after the other without a pause.
pub const CLIENT_DOCUMENTS_BURST: u32 = 60;

/// Metadata documents that one address may cause to be fetched in a minute, in the long run.
pub const CLIENT_DOCUMENTS_PER_MINUTE_PER_PEER: u32 = 10;

/// Metadata documents that one address may cause to be fetched without a pause.
pub const CLIENT_DOCUMENTS_BURST_PER_PEER: u32 = 10;
/// Largest body of a request to an endpoint of OAuth, in bytes.
pub const OAUTH_BODY_BYTES_MAX: usize = 32 * 1_024;

/// How long a request to an endpoint of OAuth waits for control, in milliseconds: the provider is asked meanwhile.
pub const OAUTH_WAIT_MS_MAX: u64 = 20 * SECOND_MS;

/// Requests of one worker that wait at endpoints of OAuth at once.
pub const OAUTH_WAITERS_PER_WORKER_MAX: usize = 64;

/// How many of them may come from one address.
pub const OAUTH_WAITERS_PER_ADDRESS_MAX: usize = 16;

/// How long a request waits for the issuer of its opaque token, in milliseconds.
pub const VOUCH_WAIT_MS_MAX: u64 = 6 * SECOND_MS;

/// Requests of one worker that wait for issuers of opaque tokens at once.
pub const VOUCH_WAITERS_PER_WORKER_MAX: usize = 256;

/// How many of them may come from one address.
pub const VOUCH_WAITERS_PER_ADDRESS_MAX: usize = 64;

/// Longest `iss` of an issuer, in bytes.
pub const JWT_ISSUER_BYTES_MAX: usize = 256;

/// Longest `aud` value of an issuer, in bytes.
pub const JWT_AUDIENCE_BYTES_MAX: usize = 256;

/// Most `aud` values of one issuer.
pub const JWT_AUDIENCES_MAX: usize = 64;

/// Longest name of a claim, in bytes.
pub const JWT_CLAIM_BYTES_MAX: usize = 128;

/// Most scopes in one `scope_tool_mapping`.
pub const JWT_SCOPES_MAX: usize = 256;

/// Most `[[auth.mtls.identities]]`.
pub const MTLS_IDENTITIES_MAX: usize = 4_096;

/// Most `[[auth.oauth.identities]]`.
pub const OAUTH_IDENTITIES_MAX: usize = 4_096;

/// Most `auth.oauth.allowed_users`. Each login looks at all of them.
pub const OAUTH_USERS_MAX: usize = 4_096;

/// Most `auth.oauth.allowed_organizations`. Each may be a request to the provider.
pub const OAUTH_ORGANIZATIONS_MAX: usize = 64;

/// Most claims in `auth.oauth.required_claims`, and most values of each.
pub const OAUTH_CLAIMS_MAX: usize = 64;

/// Most scopes that are asked of the provider.
pub const OAUTH_PROVIDER_SCOPES_MAX: usize = 64;

/// Most `[[auth.oauth.server.clients]]`.
pub const OAUTH_CONFIGURED_CLIENTS_MAX: usize = 1_024;

/// Shortest secret of a configured client, in bytes.
pub const OAUTH_CLIENT_SECRET_BYTES_MIN: usize = 32;

/// Most certificates of the main listener.
pub const TLS_CERTIFICATES_MAX: usize = 256;

/// Most credentials that a worker remembers having proven.
pub const PROOFS_PER_WORKER_MAX: usize = 16_384;

/// Most revoked grants whose tokens may still live; beyond it every token from before is refused.
pub const REVOKED_GRANTS_MAX: usize = 16_384;

/// Remembered proofs that one new proof looks at in search of one that nobody has used for a while.
pub const PROOF_EVICTION_PROBES_MAX: usize = 64;

/// Shortest secret that a signed token is verified with, in bytes; longer where the digest is (RFC 7518 §3.2).
pub const JWT_SECRET_BYTES_MIN: usize = 32;

/// Longest name of a key (`kid`), in bytes.
pub const KEY_ID_BYTES_MAX: usize = 256;

/// Keys that a token without `kid` is tried with. Each try is a signature.
pub const KEY_TRIES_MAX: usize = 4;

/// Nesting of objects and arrays in a token or a key set, in levels.
pub const TOKEN_DEPTH_MAX: usize = 32;

/// Latest date that a token may name, in seconds of Unix time: the end of the year 9999.
pub const TOKEN_DATE_SECS_MAX: u64 = 253_402_300_799;

/// Largest JWK Set that is read, in bytes.
pub const JWKS_BYTES_MAX: usize = 256 * 1_024;

/// Most keys of a JWK Set that is read.
pub const JWKS_KEYS_MAX: usize = 100;

/// Shortest RSA modulus, in bits (RFC 7518 §3.3).
pub const RSA_BITS_MIN: usize = 2_048;

/// Longest RSA modulus, in bits. Longer ones cost more than they protect.
pub const RSA_BITS_MAX: usize = 8_192;

/// Longest RSA exponent, in bytes: each bit of it costs a squaring.
pub const RSA_EXPONENT_BYTES_MAX: usize = 4;

/// Largest file of certificates, keys or revocation lists, in bytes.
pub const TLS_FILE_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Most certificate authorities that are taken from the system.
pub const SYSTEM_ROOTS_MAX: usize = 4_096;

/// How long before its end a certificate is warned of, in seconds.
pub const CERTIFICATE_NOTICE_SECS: u64 = 14 * 24 * 3_600;

/// Longest scope, in bytes.
pub const SCOPE_BYTES_MAX: usize = 256;

/// Longest list of scopes in a challenge, in bytes: a header field that every client and proxy takes.
pub const CHALLENGE_SCOPE_BYTES_MAX: usize = 2_048;

/// Most scopes that one refused message may be found to lack.
pub const STEP_UP_SCOPES_MAX: usize = 16;

/// Longest entry of a tool list, in bytes.
pub const ENTRY_BYTES_MAX: usize = 1_024;

/// Most entries in one tool list.
pub const ENTRIES_MAX: usize = 4_096;

/// Most wildcards in one entry. Matching costs at most wildcards × name length steps.
pub const ENTRY_WILDCARDS_MAX: usize = 16;

/// Longest bearer token that is looked at, in bytes. Longer ones are refused unread.
pub const CREDENTIAL_BYTES_MAX: usize = 8 * 1_024;

/// Hops of X-Forwarded-For that are looked at.
pub const FORWARDED_HOPS_MAX: usize = 32;

// ---------------------------------------------------------------------------------------------------------------- oauth

/// Most clients that registered themselves.
pub const OAUTH_REGISTERED_CLIENTS_MAX: u64 = 10_000;

/// How long a registered client is kept that nobody allowed anything, in seconds.
pub const OAUTH_CLIENT_UNUSED_SECS_MAX: u64 = 24 * 3_600;

/// How long a registered client is kept that nobody uses any more, in seconds.
pub const OAUTH_CLIENT_IDLE_SECS_MAX: u64 = 90 * 24 * 3_600;

/// Most authorization codes at once, those included that were taken a short time ago.
pub const OAUTH_CODES_MAX: u64 = 10_000;

/// How long after its end a code that was taken is known, in seconds: whoever presents it again is found out.
pub const OAUTH_TAKEN_CODE_SECS: u64 = 600;

/// Most consents that are remembered, each of one user to one client.
pub const OAUTH_CONSENTS_MAX: u64 = 100_000;

/// Most things that one user allows one client; a further one takes the place of the oldest.
pub const OAUTH_CONSENTS_PER_CLIENT_MAX: usize = 16;

/// Most clients whose consents are remembered for one user; a further one takes the place of the oldest.
pub const OAUTH_CONSENTED_CLIENTS_PER_USER_MAX: usize = 200;

/// How long a consent is remembered, in seconds.
pub const OAUTH_CONSENT_SECS_MAX: u64 = 365 * 24 * 3_600;

/// Most grants at once.
pub const OAUTH_GRANTS_MAX: u64 = 100_000;

/// Most grants of one user; a further one ends the oldest.
pub const OAUTH_GRANTS_PER_USER_MAX: usize = 200;

/// Most refresh tokens of one grant that are remembered. A grant that has used up as many within the life of one ends.
pub const OAUTH_REFRESHES_PER_GRANT_MAX: u32 = 4_096;

/// Longest life of an access token (`auth.oauth.server.access_token_ttl`), in seconds.
pub const OAUTH_ACCESS_TOKEN_SECS_MAX: u64 = 3_600;

/// Longest life of the token that a person gets (`auth.oauth.login_token_ttl`), in seconds.
pub const OAUTH_LOGIN_TOKEN_SECS_MAX: u64 = 7 * 24 * 3_600;

/// How long the gateway signs with one key, in seconds.
pub const OAUTH_KEY_SECS_MAX: u64 = 30 * 24 * 3_600;

/// How long a new key is published before it signs, in seconds: whoever keeps the set has it by then.
pub const OAUTH_KEY_AHEAD_SECS: u64 = 3_600;

/// How long the provider's word that a user is still one counts where a client refreshes, in seconds.
pub const OAUTH_VOUCH_SECS: u64 = 600;

/// How long the provider is waited for where a client refreshes, in milliseconds.
pub const OAUTH_VOUCH_MS_MAX: u64 = 12 * SECOND_MS;

/// How long a grant goes on where the provider cannot be asked, in seconds since its last word.
pub const OAUTH_VOUCH_GRACE_SECS: u64 = 24 * 3_600;

/// Clients that one address, or one /64, registers in an hour, in the long run.
pub const OAUTH_REGISTRATIONS_PER_ADDRESS_PER_HOUR: u32 = 60;

/// Clients that one address, or one /64, registers at once.
pub const OAUTH_REGISTRATIONS_PER_ADDRESS_BURST: u32 = 20;

/// Clients that all addresses together register in an hour, and at once.
pub const OAUTH_REGISTRATIONS_PER_HOUR: u32 = 600;

/// Least time between two openings of the store after reading or writing it has failed, in milliseconds.
pub const OAUTH_STORE_PAUSE_MS: u64 = SECOND_MS;

/// Records of the store that one sweep looks at.
pub const OAUTH_SWEEP_RECORDS_MAX: usize = 2_048;

// ---------------------------------------------------------------------------------------------------------------- quota

/// Highest rate of a quota, in requests per second.
pub const RATE_PER_SECOND_MAX: f64 = 1_000_000.0;

/// Lowest rate of a quota, in requests per second: one an hour.
pub const RATE_PER_SECOND_MIN: f64 = 1.0 / 3_600.0;

/// Largest burst of a quota, in requests.
pub const BURST_MAX: u32 = 1_000_000;

/// Most `[[rate_limit.tool_limits]]` patterns.
pub const TOOL_LIMITS_MAX: usize = 64;

/// Default of `rate_limit.requests_per_second`.
pub const RATE_PER_SECOND_DEFAULT: f64 = 25.0;

/// Default of `rate_limit.burst_size`, in requests.
pub const BURST_DEFAULT: u32 = 10;

/// Default of `rate_limit.identities_max`.
pub const IDENTITIES_MAX_DEFAULT: usize = 100_000;

/// Default of `rate_limit.identity_ttl`, in milliseconds.
pub const IDENTITY_TTL_MS_DEFAULT: u64 = 3_600 * SECOND_MS;

/// Default of `rate_limit.unauthenticated_per_ip`, in failed attempts per second.
pub const UNAUTHENTICATED_PER_SECOND_DEFAULT: f64 = 10.0;

/// Failed attempts that one address may make at once.
pub const UNAUTHENTICATED_BURST: u32 = 20;

/// Signed tokens a second, and at once, that a worker verifies for addresses that failed too often, all of them together.
pub const SUSPECT_PROOFS_PER_SECOND: u32 = 50;

/// Requests a second to endpoints of OAuth that one address may make in the long run. Users behind one address share it, and so do
/// those of a client that lives on somebody's servers.
pub const OAUTH_PER_SECOND: u32 = 10;

/// Requests to endpoints of OAuth that one address may make at once.
pub const OAUTH_BURST: u32 = 60;

/// After how many seconds a caller whose token was not verified may come back.
pub const UNTRIED_RETRY_AFTER_SECS: u32 = 1;

/// Most addresses whose failed attempts are counted at once.
pub const UNAUTHENTICATED_PEERS_MAX: usize = 65_536;

/// Shards of a shared quota table. A power of two.
pub const QUOTA_SHARDS: usize = 64;

/// Entries that one insertion into a full table looks at in search of a refilled bucket.
pub const QUOTA_EVICTION_PROBES_MAX: usize = 64;

/// Quota handles that one worker keeps.
pub const QUOTA_HANDLES_PER_WORKER_MAX: usize = 4_096;

/// How long a worker keeps a quota handle that it does not use, in milliseconds.
pub const QUOTA_HANDLE_IDLE_MS: u64 = 60 * SECOND_MS;

// ---------------------------------------------------------------------------------------------------------------- login

/// Time from the first page of a login to its end, in milliseconds.
pub const LOGIN_MS_MAX: u64 = 600 * SECOND_MS;

/// Logins on their way. Beyond it the oldest of the address with the most ends.
pub const LOGINS_MAX: usize = 4_096;

/// Logins on their way from one address, or one /64 network of IPv6. Beyond it the oldest of them ends.
pub const LOGINS_PER_ADDRESS_MAX: usize = 64;

/// How long a browser remembers who logged in last, so that consent need not be asked for again, in seconds.
pub const BROWSER_USER_SECS: u64 = 30 * 24 * 3_600;

/// How long an authorization code may take on its way, in seconds.
pub const CODE_SECS_MAX: u64 = 60;

/// Requests to OAuth endpoints that control serves at once.
pub const OAUTH_REQUESTS_AT_ONCE_MAX: usize = 64;

// --------------------------------------------------------------------------------------------------------------- oauth

/// Longest query or body with parameters of an OAuth request, in bytes.
pub const OAUTH_FORM_BYTES_MAX: usize = 32 * 1_024;

/// Most parameters of an OAuth request, those that nobody knows included.
pub const OAUTH_PARAMETERS_MAX: usize = 64;

/// Longest `state`, in bytes: it is kept while its user logs in, and goes back in a header field.
pub const OAUTH_STATE_BYTES_MAX: usize = 2_048;

/// Longest `scope` of an OAuth request, in bytes.
pub const OAUTH_SCOPE_BYTES_MAX: usize = 4_096;

/// Longest `resource` of an OAuth request, in bytes.
pub const OAUTH_RESOURCE_BYTES_MAX: usize = 2_048;

/// Longest `client_id`, in bytes. One may be a URL.
pub const OAUTH_CLIENT_ID_BYTES_MAX: usize = 512;

/// Longest name of a client, in characters.
pub const OAUTH_CLIENT_NAME_CHARS_MAX: usize = 128;

/// Largest registration, and largest metadata document of a client, in bytes.
pub const OAUTH_CLIENT_METADATA_BYTES_MAX: usize = 16 * 1_024;

/// Deepest nesting of a client's metadata, in levels. What is understood of them has two.
pub const OAUTH_CLIENT_METADATA_DEPTH_MAX: usize = 16;

/// Most redirect URIs of a client.
pub const OAUTH_REDIRECT_URIS_MAX: usize = 10;

/// Longest redirect URI, in bytes.
pub const OAUTH_REDIRECT_URI_BYTES_MAX: usize = 1_024;

// ------------------------------------------------------------------------------------------------------------- requests

/// Longest request path that is routed, in bytes, query excluded.
pub const PATH_BYTES_MAX: usize = 2_048;

/// Largest response head accepted from an upstream, in bytes.
pub const UPSTREAM_HEAD_BYTES_MAX: usize = 64 * 1_024;

/// Most header fields accepted from an upstream.
pub const UPSTREAM_HEADERS_MAX: usize = 128;

/// Bytes of a stream that are buffered in one direction while it idles or carries small messages.
pub const STREAM_BUFFER_BYTES_MAX: usize = 64 * 1_024;

/// Requests answered on one connection before it is closed. Bounds what one connection can accumulate.
pub const REQUESTS_PER_CONNECTION_MAX: u64 = 1_000_000;

/// Unread request body that is drained before an early answer closes the connection, in bytes.
pub const DRAIN_BYTES_MAX: usize = 64 * 1_024;

/// Longest time for which an unread request body is drained, in milliseconds.
pub const DRAIN_MS_MAX: u64 = SECOND_MS;

/// Time that an idle connection stays open after a drain has begun, for a request that is on its way, in milliseconds.
pub const DRAIN_IDLE_MS: u64 = 250;

/// Time that a TLS handshake gets to end once a drain has begun, in milliseconds.
pub const DRAIN_HANDSHAKE_MS: u64 = SECOND_MS;

/// Open files kept for everything that is not a connection: listeners, rings, audit and configuration files.
pub const OPEN_FILES_RESERVED: usize = 64;

/// Time that exchanges get to tell their clients after the grace of a drain is over, in milliseconds.
pub const DRAIN_FINAL_MS_MAX: u64 = 1_500;

/// How often a worker closes upstream connections that idled too long, in milliseconds.
pub const WORKER_SWEEP_MS: u64 = 5 * SECOND_MS;

/// `Retry-After` of an answer made by an overloaded or draining gateway, in seconds.
pub const OVERLOAD_RETRY_AFTER_SECS: u32 = 1;

// ---------------------------------------------------------------------------------------------------------------- audit

/// Longest encoded text of an audit record that a client may choose, in bytes between its quotes.
pub const AUDIT_TEXT_BYTES_MAX: usize = 240;

/// Longest encoded word of an audit record (ids, methods, server names), in bytes between its quotes.
pub const AUDIT_WORD_BYTES_MAX: usize = 64;

/// Longest encoded audit record, in bytes, newline included.
pub const AUDIT_RECORD_BYTES_MAX: usize = 2_560;

/// Audit bytes that one worker holds for the control thread.
pub const AUDIT_LANE_BYTES_MAX: usize = 16 * 1_024 * 1_024;

// ------------------------------------------------------------------------------------------------------- configurable

/// The bounds that an operator may move. Durations are in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request head.
    pub head_bytes: usize,
    /// Most header fields in a request.
    pub headers: usize,
    /// Largest request body (`server.max_request_size`).
    pub body_bytes: usize,
    /// Deepest nesting of a message.
    pub json_depth: usize,
    /// Largest list message that is filtered.
    pub list_bytes: usize,
    /// Largest single SSE event, and largest JSON answer, that is inspected as a whole.
    pub event_bytes: usize,
    /// Time for TLS handshake and for a head to arrive whole.
    pub header_timeout_ms: u64,
    /// Time for a body to arrive whole.
    pub body_timeout_ms: u64,
    /// Time that a keep-alive connection may stay without a request.
    pub idle_timeout_ms: u64,
    /// Time that one write may make no progress.
    pub write_stall_ms: u64,
    /// Pause after which an SSE stream gets a comment.
    pub sse_keepalive_ms: u64,
    /// Time that a legacy request goes on after its client left (disconnect is not cancel).
    pub detached_ms: u64,
    /// Most legacy requests that go on after their clients left, per worker.
    pub detached_requests: usize,
    /// Most connections at once, whole process.
    pub connections: usize,
    /// Most connections at once from one address.
    pub connections_per_ip: usize,
    /// Most SSE streams at once for one identity.
    pub streams_per_principal: usize,
    /// Most requests being served at once, whole process.
    pub requests_in_flight: usize,
    /// Most idle connections that a worker keeps to one upstream.
    pub upstream_idle_connections: usize,
    /// Time that an idle upstream connection is kept.
    pub upstream_idle_timeout_ms: u64,
    /// Most stdio children at once, whole process.
    pub children: usize,
    /// Most stdio children at once that one identity's sessions may have.
    pub children_per_principal: usize,
    /// Most sessions that the gateway itself holds at once (stdio, sse and translated servers), whole process.
    pub sessions: usize,
    /// Most sessions that the gateway itself holds for one identity.
    pub sessions_per_principal: usize,
    /// Time after which a session that the gateway itself holds ends when nothing uses it.
    pub session_idle_timeout_ms: u64,
    /// Events that a session which the gateway itself holds keeps for a client that resumes, in bytes.
    pub session_events_bytes: usize,
    /// Longest line taken from a stdio child.
    pub line_bytes: usize,
}

impl Limits {
    /// The defaults, as documented under `[server.limits]`.
    pub const DEFAULT: Self = Self {
        head_bytes: 32 * 1_024,
        headers: 100,
        body_bytes: 1_024 * 1_024,
        json_depth: 64,
        list_bytes: 8 * 1_024 * 1_024,
        event_bytes: 8 * 1_024 * 1_024,
        header_timeout_ms: 10 * SECOND_MS,
        body_timeout_ms: 30 * SECOND_MS,
        idle_timeout_ms: 60 * SECOND_MS,
        write_stall_ms: 10 * SECOND_MS,
        sse_keepalive_ms: 15 * SECOND_MS,
        detached_ms: 300 * SECOND_MS,
        detached_requests: 256,
        connections: 20_000,
        connections_per_ip: 10_000,
        streams_per_principal: 10_000,
        requests_in_flight: 20_000,
        upstream_idle_connections: 64,
        upstream_idle_timeout_ms: 30 * SECOND_MS,
        children: 256,
        children_per_principal: 32,
        sessions: 10_000,
        sessions_per_principal: 1_000,
        session_idle_timeout_ms: 1_800 * SECOND_MS,
        session_events_bytes: 256 * 1_024,
        line_bytes: 8 * 1_024 * 1_024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Default of `upstream.connect_timeout`, in milliseconds.
pub const CONNECT_TIMEOUT_MS_DEFAULT: u64 = 5 * SECOND_MS;

/// Default of `upstream.timeout` (first byte of the answer), in milliseconds.
pub const UPSTREAM_TIMEOUT_MS_DEFAULT: u64 = 300 * SECOND_MS;

/// Default of `upstream.max_children`.
pub const MAX_CHILDREN_DEFAULT: usize = 64;

/// Default of `server.session_ttl`, in milliseconds.
pub const SESSION_TTL_MS_DEFAULT: u64 = 24 * 3_600 * SECOND_MS;

/// Default of `server.drain_timeout`, in milliseconds.
pub const DRAIN_TIMEOUT_MS_DEFAULT: u64 = 30 * SECOND_MS;

/// Default of `audit.flush_interval`, in milliseconds.
pub const AUDIT_FLUSH_INTERVAL_MS_DEFAULT: u64 = 100;
