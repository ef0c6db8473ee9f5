#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod github;
mod google;
mod holds;
mod issuer;
mod openid;
mod vouches;
