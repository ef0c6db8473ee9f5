//! OAuth on the control thread: people log in with a provider, MCP clients get tokens for them, and issuers are asked about
//! opaque tokens.
//!
//! Requests come from workers ([`OAuthRequests`](crate::mailbox::OAuthRequests)) and are answered whole; a worker verifies the
//! gateway's tokens as it does any other signed token. What it never does: let a token of the provider leave the gateway, follow a
//! redirect, connect to an address that was not judged first, or send a user anywhere before their browser was asked.
//!
//! Read [`OAuthService`] first. The protocol itself is pure: `engine::oauth`.

mod assemble;
mod back;
mod context;
mod directory;
mod front;
mod provider;
mod recent;
mod reply;
mod service;
mod signer;
mod store;
#[cfg(test)]
mod testing;
mod vouch;

pub(in crate::control) use service::OAuthService;
