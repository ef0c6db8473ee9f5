//! Bounds on what a message may hold, each with its unit.

/// Nesting of objects and arrays in a request where the configuration says nothing, in levels.
pub const JSON_DEPTH_DEFAULT: usize = 64;

/// Nesting that no configuration can exceed, in levels: the scanner recurses once a level.
pub const JSON_DEPTH_CAP: usize = 256;

/// Nesting accepted in an upstream's answer, in levels. Wider than the request's: answers are filtered, not judged.
pub const ANSWER_DEPTH_MAX: usize = 512;

/// Members of one batch (revision 2025-03-26) where the configuration says nothing.
pub const BATCH_MEMBERS_DEFAULT: usize = 100;

/// A request id or progress token as written, quotes included, in bytes.
pub const ID_BYTES_MAX: usize = 256;

/// A method name, in bytes.
pub const METHOD_BYTES_MAX: usize = 256;

/// A tool, prompt or task name, in bytes.
pub const NAME_BYTES_MAX: usize = 1024;

/// A resource URI or URI template, in bytes.
pub const URI_BYTES_MAX: usize = 8192;

/// A protocol version, log level or trace field, in bytes.
pub const TOKEN_BYTES_MAX: usize = 1024;

/// Resource URIs (and, separately, task ids) that one `subscriptions/listen` may name.
pub const SUBSCRIPTIONS_MAX: usize = 1024;

/// `Mcp-Session-Id`, in bytes.
pub const SESSION_ID_BYTES_MAX: usize = 1024;

/// `Mcp-Name` as sent, in bytes: a URI in base64 with its sentinel.
pub const NAME_HEADER_BYTES_MAX: usize = URI_BYTES_MAX * 4 / 3 + 64;

/// The longest that a client may keep a filtered list, in milliseconds: how long a policy decision is trusted.
pub const LIST_TTL_MS_MAX: u64 = 60_000;

/// Members of an object that are compared one by one; beyond it they are sorted once.
pub const KEYS_COMPARED_MAX: usize = 16;

const _: () = assert!(JSON_DEPTH_DEFAULT <= JSON_DEPTH_CAP && JSON_DEPTH_CAP <= ANSWER_DEPTH_MAX);
const _: () = assert!(NAME_BYTES_MAX <= URI_BYTES_MAX && TOKEN_BYTES_MAX <= URI_BYTES_MAX);
