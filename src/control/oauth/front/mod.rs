//! What browsers see: authorization, consent, the way back from the provider.
//!
//! One login: a client sends its user to [`authorize`]; a page asks whether the client may act for them; the answer comes to
//! [`consent`], which leads the browser to the provider; the provider sends it to [`callback`], and that sends a code to the client.
//! A person who comes by themselves gets a token on a page instead.
//!
//! **Invariant:** nobody is sent to the provider before their browser agreed to the client, and nothing is issued to a client but
//! to the browser that did (confused deputy: MCP Security Best Practices). Sources: RFC 9700, RFC 9207, RFC 8252 §8.6.

mod authorize;
mod browser;
mod callback;
mod consent;
mod finish;
mod pages;
mod pending;
mod person;
mod random;
mod remembered;
mod scopes;
mod sending;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(super) use authorize::authorize;
pub(super) use callback::callback;
pub(super) use consent::consent;
pub(super) use pending::Pendings;
pub(super) use scopes::granted as granted_scopes;
