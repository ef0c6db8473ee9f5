//! `Mcp-Param-*`: arguments of a tool that its schema mirrors into header fields (2026-07-28, Custom Headers from Tool
//! Parameters; SEP-2243).
//!
//! Whoever reads the body of a call and knows the schema must hold the fields against the arguments. An HTTP server does it
//! itself; for a server behind another transport the gateway does. **Invariant:** nothing is decided by a field: it can only
//! make a call refused.
//!
//! Read [`ParamHeaders`] first; [`listing`] finds the schemas in `tools/list` answers.

mod agreement;
pub mod listing;
mod schema;
mod writing;

pub use agreement::ParamMismatch;
pub use schema::SchemaError;

/// Prefix of the field names, in lower case.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// Parameters of one tool that may be annotated.
pub const PARAMS_MAX: usize = 64;

/// The annotated parameters of one tool. Only a sound schema makes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamHeaders {
    params: Box<[Param]>,
}

/// One annotated parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Param {
    /// Name of its field in lower case, prefix included.
    field: Box<str>,
    /// From the arguments to it.
    path: Box<[Box<str>]>,
}

impl ParamHeaders {
    /// Whether no parameter is annotated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }
}

#[cfg(test)]
mod tests;
