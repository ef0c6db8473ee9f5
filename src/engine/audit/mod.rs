//! The audit record and its encoding.
