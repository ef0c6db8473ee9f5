//! Several servers of every kind behind one gateway.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, READER, Setup, stdio_server};
use crate::harness::upstream::{Upstream, plain_server};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

#[test]
fn a_server_that_is_down_affects_itself_alone() {
    let http = Upstream::start(plain_server);
    let child = stdio_server();
    let mut setup = Setup::in_front_of("");
    setup.config = format!(
        r#"
[[upstream.servers]]
name = "http"
url = "{}"
era = "both"

[[upstream.servers]]
name = "child"
command = {child:?}
path_prefix = "/team/child"
allowed_tools = ["echo"]

[[upstream.servers]]
name = "absent"
command = "/nonexistent/server"

[[upstream.servers]]
name = "gone"
url = "http://127.0.0.1:9"

[[upstream.servers]]
name = "old"
transport = "sse"
url = "http://127.0.0.1:9/sse"
"#,
        http.url()
    );
    let gateway = setup.start();
    let open = |path: &str| {
        let request = post(path, &bearer(ADMIN), INITIALIZE);
        gateway.client().exchange(request)
    };
    for path in ["/mcp/absent", "/mcp/gone", "/mcp/old"] {
        let refused = open(path);
        assert_eq!((refused.status, refused.code()), (502, -32603), "{path}");
        assert!(!refused.text().contains("nonexistent") && !refused.text().contains("127.0.0.1"));
    }
    assert_eq!(open("/mcp").status, 200);
    let opened = open("/team/child");
    assert_eq!(opened.status, 200);
    let session = opened.header("mcp-session-id").unwrap();
    let fields = format!("{}Mcp-Session-Id: {session}\r\n", bearer(ADMIN));
    let ask = |tool: &str| {
        let request = post("/mcp/child", &fields, &call(2, tool));
        gateway.client().exchange(request)
    };
    assert_eq!(ask("echo").json()["id"], 2);
    assert_eq!(
        ask("pid").code(),
        40302,
        "the server's ceiling holds for everybody"
    );
    let ready = gateway
        .client()
        .exchange("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(ready.status, 200, "none of them is required");
    let routes = |key: &str| {
        let request = format!(
            "GET /routes HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            bearer(key)
        );
        gateway.client().exchange(request).text()
    };
    for name in ["http", "child", "absent", "gone", "old"] {
        assert!(
            routes(ADMIN).contains(&format!("\"name\":\"{name}\"")),
            "{name}"
        );
    }
    assert!(routes(READER).contains("/team/child"));
}
