//! haproxy: one thread, shared upstream connections, one static token. No log: it has none to a file.

use std::path::Path;

use crate::failure::Failure;

use super::{KEY, Lab, Launch, write_config};

pub(super) fn launch(lab: &Lab, folder: &Path, port: u16) -> Result<Launch, Failure> {
    let (upstream_port, upstream_path) = (lab.upstream_port, &lab.upstream_path);
    let text = format!(
        r"global
    nbthread 1
    maxconn 9000
    tune.maxaccept 256
defaults
    mode http
    option http-keep-alive
    option http-no-delay
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 300s
    timeout http-request 10s
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str 'Bearer {KEY}' }}
    http-request deny deny_status 404 unless {{ path /mcp }}
    http-request del-header authorization
    http-request set-path {upstream_path}
    default_backend fixture
backend fixture
    server fixture 127.0.0.1:{upstream_port} pool-max-conn 10000
"
    );
    let config = folder.join("haproxy.cfg");
    write_config(&config, &text)?;
    Ok(Launch {
        program: "haproxy".into(),
        arguments: vec![
            "-db".to_owned(),
            "-f".to_owned(),
            config.display().to_string(),
        ],
    })
}
