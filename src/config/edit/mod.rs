//! A key is added to the text of a configuration: everything else, comments included, stays as it is.
//!
//! Read [`NewKey`] first. Pure: text in, text out. **Invariant:** the text that comes out holds the key and differs in nothing
//! else, or there is an error.

mod toml;
mod yaml;

use std::fmt;

use crate::config::Format;

/// An API key that a configuration does not have yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    /// Id of the identity.
    pub id: String,
    /// Base64 of the SHA-256 of the key.
    pub key_hash: String,
    /// What it may use.
    pub allowed_tools: Vec<String>,
    /// Requests per second.
    pub rate_limit: Option<f64>,
    /// When it ends, RFC 3339.
    pub expires_at: Option<String>,
}

impl NewKey {
    /// The text to paste into a file of `format`.
    #[must_use]
    pub fn snippet(&self, format: Format) -> String {
        match format {
            Format::Toml => toml::snippet(self),
            Format::Yaml => yaml::snippet(self),
        }
    }

    /// `text`, a file of `format`, with this key as the last of `auth.api_keys`.
    ///
    /// # Errors
    /// `NotUnderstood` where `text` has syntax errors; `NotInPlace` where no place can be found that leaves the rest alone.
    pub fn add_to(&self, text: &str, format: Format) -> Result<String, EditError> {
        match format {
            Format::Toml => toml::add(self, text),
            Format::Yaml => yaml::add(self, text),
        }
    }
}

/// Why a key cannot be added to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The text has syntax errors.
    NotUnderstood,
    /// `auth.api_keys` is written in a form that is not edited.
    NotInPlace,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnderstood => "file has syntax errors",
            Self::NotInPlace => "auth.api_keys is written in a form that cannot be edited in place",
        })
    }
}

impl std::error::Error for EditError {}

#[cfg(test)]
mod tests;
