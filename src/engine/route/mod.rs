//! Path → server, and which Host and Origin are ours.
//!
//! What it never does: decode, repair or guess a path. A path that two parties could read differently is refused.
//!
//! Read [`Routes`] first. Source: MCP Streamable HTTP, Security Warning.

mod authority;
mod cors;
mod host;
mod legacy_sse;
mod oauth;
mod origin;
mod path;
mod public_base;
mod resource;

pub use authority::{PolicyError, PolicyFault, names_host};
pub use cors::Cors;
pub use host::{HostPolicy, HostSpec};
pub use legacy_sse::{message_endpoint, message_session};
pub use origin::{OriginPolicy, OriginSpec, is_origin_of};
pub use path::{Endpoint, RESOURCE_METADATA_PATH, RouteConflict, RouteError, Routes};
pub use public_base::PublicBase;
pub use resource::Resource;
