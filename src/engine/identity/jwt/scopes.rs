//! `scope_tool_mapping`: what each scope allows.

use std::sync::Arc;

use crate::engine::policy::Grants;

/// One scope and what it allows.
#[derive(Debug)]
pub struct ScopeGrants {
    /// The scope-token (RFC 6749 §3.3).
    pub scope: Box<str>,
    /// What a token with it may use.
    pub grants: Arc<Grants>,
}

/// The scopes of one issuer that mean something, in the order of the file.
#[derive(Debug, Default)]
pub struct ScopeMap {
    scopes: Vec<ScopeGrants>,
}

impl ScopeMap {
    /// A map of `scopes`.
    #[must_use]
    pub fn new(scopes: Vec<ScopeGrants>) -> Self {
        Self { scopes }
    }

    /// Every scope, in the order of the file.
    #[must_use]
    pub fn scopes(&self) -> &[ScopeGrants] {
        &self.scopes
    }
}
