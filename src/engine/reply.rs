//! The one place where a failure becomes status, JSON-RPC error and challenge.
