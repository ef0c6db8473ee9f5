//! A server that says anything at all to a channel that two clients share: nothing panics, and nothing reaches a client that
//! does not carry an id, a token or a subscription of its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::bridge::shared::Channel;
use mcp_guard::engine::bridge::state_seal::StateSeal;
use mcp_guard::engine::seal::Sealer;
use mcp_guard::engine::session::Owner;

fuzz_target!(|said: Vec<Vec<u8>>| {
    let mut channel = Channel::new(StateSeal::new(Sealer::new(&[0; 32]), "server"));
    for (owner, id) in [(b'1', "7"), (b'2', "\"7\"")] {
        let owner = Owner::from_hex(&[owner; 32]).unwrap();
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","_meta":{{"progressToken":{id},"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        assert!(channel.open(owner, request.as_bytes(), 0).is_ok());
    }
    for message in said {
        let _ = channel.receive(&message, 1);
        assert!(channel.len() <= 2);
    }
    channel.end();
    assert!(channel.is_empty());
});
