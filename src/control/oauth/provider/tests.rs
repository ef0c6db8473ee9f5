#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod github;
mod google;
mod holds;
mod openid;
mod vouches;
