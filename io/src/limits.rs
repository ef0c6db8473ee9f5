//! Every bound of the mechanism, with its unit. Bounds that an operator sets arrive as arguments instead.

/// Capacities, in bytes, of the buffers that a worker keeps for reuse. Larger buffers are allocated and freed.
pub const BUFFER_CLASSES_BYTES: [usize; 4] = [4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// Free buffers that a worker keeps of each class: 4 MiB, 2 MiB, 4 MiB and 4 MiB at most. Memory of the larger classes comes
/// from the system page by page, so a buffer that is let go costs more than the copy that it serves.
pub const BUFFERS_FREE_MAX: [usize; 4] = [1024, 128, 64, 16];

/// Connections that the kernel queues for a listener before a worker accepts them.
pub const LISTEN_BACKLOG: i32 = 4096;

/// Connections accepted in a row before other tasks of the worker run.
pub const ACCEPTS_PER_TURN_MAX: u32 = 64;

/// Pause of an accept loop after the process or the kernel ran out of descriptors or memory.
pub const ACCEPT_EXHAUSTED_PAUSE_MS: u64 = 100;

/// Least time between two log lines about an exhausted listener.
pub const ACCEPT_LOG_INTERVAL_MS: u64 = 5_000;

/// Reads in a row that a stream may take without letting other tasks of the worker run.
pub const READS_PER_TURN_MAX: u32 = 4;

/// Resolution of stream deadlines.
pub const DEADLINE_TICK_MS: u64 = 100;

/// Slots of the deadline wheel; later deadlines wait in the last slot and move on from there.
pub const DEADLINE_SLOTS: usize = 512;

/// Pause between two looks at a peer that has sent bytes ahead, while [`crate::Stream::hangup`] waits for it to leave.
pub const HANGUP_POLL_MS: u64 = 250;

/// Pause before a connect to a Unix socket is tried again when its queue is full.
pub const UNIX_CONNECT_RETRY_MS: u64 = 5;

/// Entries of a worker's submission queue.
pub const RING_ENTRIES: u32 = 1024;

/// Entries of a worker's completion queue: the waits of this many idle connections may end in one turn.
pub const RING_COMPLETIONS: u32 = 8192;

/// Turns of the event loop that a runtime makes after its last task, so that cancelled waits give back descriptors.
pub const SETTLE_TURNS_MAX: u32 = 20;

/// Locks among which peers are spread in the table of connections per peer.
pub const PEER_SHARDS: usize = 64;

/// Leading bits of an IPv6 address that name one peer: a subscriber is given a /64 as a rule.
pub const PEER_PREFIX_V6_BITS: u32 = 64;

/// Longest TLS record that may arrive: header, 2^14 bytes of content and 2 KiB of expansion (RFC 5246 §6.2.3).
pub const TLS_RECORD_BYTES_MAX: usize = 5 + (16 << 10) + (2 << 10);

/// Bytes that a peer may have begun a handshake message with: certificate chains are longer than one record.
pub const TLS_HANDSHAKE_MESSAGE_BYTES_MAX: usize = 64 << 10;

/// Bytes of TLS records in a row, handshakes included, that a peer may send without any data before it is cut off.
pub const TLS_CONTROL_BYTES_MAX: usize = 128 << 10;

/// Bytes of certificates that a client may show: what its connection holds while it lasts. Three of RSA with 4096 bits are 5 KiB.
pub const TLS_CLIENT_CHAIN_BYTES_MAX: usize = 16 << 10;

/// Bytes of names of authorities that a listener tells clients to choose a certificate by; more are not told.
pub const TLS_ROOT_HINT_BYTES_MAX: usize = 16 << 10;

/// Content of a TLS record that is sent, so that the record fits into a buffer of the second class.
pub const TLS_PLAINTEXT_BYTES_MAX: usize = (16 << 10) - 128;

/// TLS records that a stream may encrypt in a row without letting other tasks of the worker run.
pub const TLS_RECORDS_PER_TURN_MAX: u32 = 16;

/// Sessions that a thread keeps for resuming with the servers of one client configuration; at most eight are of one server.
pub const TLS_CLIENT_SESSIONS_MAX: usize = 32;

const _: () = {
    let mut class = 1;
    while class < BUFFER_CLASSES_BYTES.len() {
        assert!(BUFFER_CLASSES_BYTES[class - 1] < BUFFER_CLASSES_BYTES[class]);
        class += 1;
    }
    assert!(RING_COMPLETIONS >= 2 * RING_ENTRIES);
    assert!(DEADLINE_SLOTS >= 2);
    assert!(PEER_SHARDS.is_power_of_two());
    assert!(TLS_PLAINTEXT_BYTES_MAX < BUFFER_CLASSES_BYTES[1]);
    assert!(TLS_CLIENT_CHAIN_BYTES_MAX < TLS_HANDSHAKE_MESSAGE_BYTES_MAX);
    assert!(TLS_RECORD_BYTES_MAX < TLS_HANDSHAKE_MESSAGE_BYTES_MAX);
    assert!(TLS_HANDSHAKE_MESSAGE_BYTES_MAX <= BUFFER_CLASSES_BYTES[2]);
    assert!(PEER_PREFIX_V6_BITS <= 128);
};
