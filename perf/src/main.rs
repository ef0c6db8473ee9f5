//! guard-perf: black-box load for mcp-guard and its peers.
fn main() {}
