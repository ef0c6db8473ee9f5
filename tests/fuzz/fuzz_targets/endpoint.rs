//! The URI that an HTTP+SSE server names: whatever it is, what comes of it is a path of the same server, fit for a request
//! line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::bridge::upstream::endpoint::{Base, resolve};

fuzz_target!(|uri: &[u8]| {
    let base = Base {
        authorities: &["up.example:8080"],
        target: "/a/sse?x=1",
    };
    let Ok(target) = resolve(base, uri) else {
        return;
    };
    assert!(
        target.starts_with('/') && !target.starts_with("//"),
        "{target}"
    );
    assert!(
        target
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#'),
        "{target}"
    );
});
