//! nginx: one worker, a pool of kept upstream connections, one static token.

use std::path::Path;

use crate::failure::Failure;

use super::{Credentials, Entry, KEY, Lab, Launch, write_config};

/// Beyond its defaults: connections are never retired for their request count; a 64 KB body and a 1 MB answer stay in memory instead of
/// temporary files; the log is written as often as the gateway's audit file. Streams are not buffered because
/// the fixture says `X-Accel-Buffering: no`, as MCP asks of servers.
pub(super) fn launch(
    lab: &Lab,
    folder: &Path,
    port: u16,
    log: bool,
    entry: Entry,
) -> Result<Launch, Failure> {
    let place = folder.display();
    let access_log = match log {
        true => format!("access_log {place}/access.log audit buffer=64k flush=100ms;"),
        false => "access_log off;".to_owned(),
    };
    let (listen, tls) = match entry.is_encrypted() {
        true => (" ssl", tls(&lab.credentials, entry)),
        false => ("", String::new()),
    };
    // With a verified certificate there is no token to compare.
    let admitted = match entry {
        Entry::Certificate => {
            "map $ssl_client_verify $admitted { default 0; SUCCESS 1; }".to_owned()
        }
        _ => format!(r#"map $http_authorization $admitted {{ default 0; "Bearer {KEY}" 1; }}"#),
    };
    let (upstream_port, upstream_path) = (lab.upstream_port, &lab.upstream_path);
    let text = format!(
        r#"daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 100000;
pid {place}/nginx.pid;
error_log {place}/error.log warn;
events {{ worker_connections 50000; }}
http {{
    log_format audit '$time_iso8601 $request_id $remote_addr "$request" $status $request_length $bytes_sent $request_time $upstream_response_time';
    {access_log}
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    client_body_buffer_size 128k;
    client_max_body_size 2m;
    keepalive_requests 1000000000;
    keepalive_timeout 60s;
    tcp_nodelay on;
    server_tokens off;
    map_hash_bucket_size 256;
    {admitted}
    upstream fixture {{
        server 127.0.0.1:{upstream_port};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port}{listen} backlog=4096;
        {tls}
        location = /mcp {{
            if ($admitted = 0) {{ return 401; }}
            proxy_pass http://fixture{upstream_path};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "";
            proxy_buffer_size 16k;
            proxy_buffers 8 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
            proxy_read_timeout 300s;
        }}
    }}
}}
"#
    );
    let config = folder.join("nginx.conf");
    write_config(&config, &text)?;
    Ok(Launch {
        program: "nginx".into(),
        arguments: vec!["-c".to_owned(), config.display().to_string()],
    })
}

/// TLS as the gateway speaks it: the same certificate, resumption by tickets, sessions of a certificate's holder included.
fn tls(credentials: &Credentials, entry: Entry) -> String {
    let verify = match entry {
        Entry::Certificate => format!(
            "ssl_client_certificate {}; ssl_verify_client on;",
            credentials.path("ca.pem")
        ),
        _ => String::new(),
    };
    format!(
        "ssl_certificate {}; ssl_certificate_key {}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; ssl_session_cache none; {verify}",
        credentials.path("server.pem"),
        credentials.path("server.key"),
    )
}
