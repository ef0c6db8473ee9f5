//! Which protected resource a path belongs to (RFC 9728): what a client was configured with, and asks tokens for.

use std::fmt;

use super::legacy_sse::{MESSAGE_PATH, SSE_PATH};
use super::path::{MCP_PATH, Routes, normal_path};
use crate::engine::policy::is_server_name;

/// The path of a protected resource: `/mcp`, `/mcp/{server}`, a `path_prefix`, `/sse` or `/sse/{server}`. `Display` writes it.
///
/// Below `/mcp` and `/sse` every server name makes one, whether or not there is such a server, so that challenges and documents
/// tell nobody which servers exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    base: &'a str,
    /// Empty, or `/` and a server's name.
    name: &'a str,
}

impl<'a> Resource<'a> {
    /// `/mcp`.
    pub const DEFAULT: Resource<'static> = Resource {
        base: MCP_PATH,
        name: "",
    };

    /// Whether clients of 2024-11-05 alone use it.
    #[must_use]
    pub fn is_legacy_sse(&self) -> bool {
        self.base == SSE_PATH
    }

    /// Whether `path` is the resource's own, with nothing behind it.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        path.strip_prefix(self.base) == Some(self.name)
    }

    /// `base`, or what is named below it.
    fn below(base: &'static str, rest: &'a str) -> Self {
        let name = rest.strip_prefix('/').unwrap_or_default();
        let end = name.find('/').unwrap_or(name.len());
        let is_named = is_server_name(&name[..end]);
        Self {
            base,
            name: if is_named { &rest[..=end] } else { "" },
        }
    }
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base)?;
        f.write_str(self.name)
    }
}

impl Routes {
    /// The resource that the path of `target` belongs to. `None` for pages of the gateway's own and where nothing is.
    ///
    /// A post of HTTP+SSE belongs to the stream's path, which is the one that its client was given. Allocates nothing.
    #[must_use]
    pub fn resource<'a>(&self, target: &'a [u8]) -> Option<Resource<'a>> {
        let path = normal_path(target).ok()?;
        let roots = [
            (MCP_PATH, MCP_PATH),
            (SSE_PATH, SSE_PATH),
            (MESSAGE_PATH, SSE_PATH),
        ];
        let rooted = roots.into_iter().find_map(|(root, base)| {
            let rest = path.strip_prefix(root)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| Resource::below(base, rest))
        });
        rooted.or_else(|| {
            let (prefix, _) = self.longest_prefix(path)?;
            Some(Resource {
                base: prefix,
                name: "",
            })
        })
    }
}

#[cfg(test)]
#[path = "resource/tests.rs"]
mod tests;
