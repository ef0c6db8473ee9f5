//! Credential → principal.
