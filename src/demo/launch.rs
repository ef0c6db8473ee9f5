//! Puts the demo server and a gateway in front of it together.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::DemoServer;
use crate::config::{Fixed, Overrides};
use crate::control::http::{Bounds, serve};
use crate::control::{Addresses, Source};
use crate::engine::identity::{KeyHash, generate_key};

/// What the reader may use.
const READER_TOOLS: &str = r#"["echo", "add"]"#;

/// Name of the configuration that stands in no file.
const CONFIG_NAME: &str = "demo.toml";

/// Why there is no demonstration.
#[derive(Debug)]
pub enum DemoError {
    /// The demo server cannot listen.
    Listen(SocketAddr, io::Error),
    /// Its thread cannot start.
    Thread(io::Error),
    /// The system gives no random bytes for keys.
    Random,
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, error) => write!(
                f,
                "demo server cannot bind {address}: {error}; choose another --port"
            ),
            Self::Thread(error) => write!(f, "demo server cannot start: {error}"),
            Self::Random => f.write_str("the system gives no random bytes for keys"),
        }
    }
}

impl std::error::Error for DemoError {}

/// A demo server that runs, and two keys for the gateway in front of it.
pub struct Demo {
    server: SocketAddr,
    reader: String,
    admin: String,
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Demo {
    /// Starts the demo server on a free port of loopback, and makes the keys. It runs until the process ends.
    pub fn start() -> Result<Self, DemoError> {
        let listener = listen(0)?;
        let server = address(&listener)?;
        let thread = std::thread::Builder::new().name("demo-server".to_owned());
        thread
            .spawn(move || drop(run(listener)))
            .map_err(DemoError::Thread)?;
        Ok(Self {
            server,
            reader: key()?,
            admin: key()?,
        })
    }

    /// Runs the demo server alone, on `port` of loopback, until the process ends. Says on standard output where it listens.
    pub fn serve_alone(port: u16) -> Result<(), DemoError> {
        let listener = listen(port)?;
        println!("demo server on http://{}/mcp", address(&listener)?);
        run(listener)
    }

    /// The configuration of the gateway, to listen on `port`.
    #[must_use]
    pub fn source(&self, port: u16) -> Source {
        let mut fixed = Fixed::default();
        fixed
            .files
            .insert(CONFIG_NAME.into(), (self.config(port), 0o600));
        Source::within(
            Path::new(CONFIG_NAME),
            Overrides::default(),
            Box::new(fixed),
        )
    }

    fn config(&self, port: u16) -> String {
        let Self {
            server,
            reader,
            admin,
        } = self;
        let identity = |id: &str, key: &str, tools: &str| {
            let hash = KeyHash::of(key.as_bytes());
            format!(
                "[[auth.api_keys]]\nid = \"{id}\"\nkey_hash = \"{hash}\"\nallowed_tools = {tools}\n"
            )
        };
        format!(
            "[server]\nport = {port}\n[server.admin]\nport = 0\n{}{}[audit]\nstdout = true\n[upstream]\ntransport = \"http\"\nurl = \"http://{server}/mcp\"\n",
            identity("reader", reader, READER_TOOLS),
            identity("admin", admin, r#"["*"]"#),
        )
    }

    /// What to try, for a gateway on `addresses`: lines that work as pasted.
    #[must_use]
    pub fn introduction(&self, addresses: Addresses) -> String {
        let Self { reader, admin, .. } = self;
        let url = format!("http://{}/mcp", addresses.main);
        let list = |key: &str| curl(&url, key, "tools/list", None);
        let call = |key: &str, tool: &str, arguments: &str| {
            curl(&url, key, "tools/call", Some((tool, arguments)))
        };
        format!(
            "\n\
             mcp-guard demo: a built-in MCP server behind the gateway on {url}\n\n\
             Two identities, made for this run:\n\
             \x20 reader  {reader}   may use echo and add\n\
             \x20 admin   {admin}   may use everything\n\n\
             # The reader sees two tools of four:\n{}\n\n\
             # A call that policy allows:\n{}\n\n\
             # A call that policy denies; the demo server never sees it:\n{}\n\n\
             # The admin may:\n{}\n\n\
             # A client's mcp.json:\n{}\n\n\
             # Metrics:\n\
             curl -s http://{}/metrics\n\n\
             Each request leaves an audit record below. Ctrl-C ends the demo.\n",
            list(reader),
            call(reader, "add", r#"{"a":2,"b":40}"#),
            call(reader, "delete_everything", "{}"),
            call(admin, "delete_everything", "{}"),
            mcp_json(&url, reader),
            addresses.admin,
        )
    }
}

/// One line for the shell. Every request of 2026-07-28 carries its version, so none needs another before it.
fn curl(url: &str, key: &str, method: &str, call: Option<(&str, &str)>) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let (name, params) = match call {
        Some((tool, arguments)) => {
            let name = format!(" -H 'Mcp-Name: {tool}'");
            (
                name,
                format!(r#""name":"{tool}","arguments":{arguments},{meta}"#),
            )
        }
        None => (String::new(), meta.to_owned()),
    };
    format!(
        "curl -s {url} -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
         -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: {method}'{name} \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{params}}}}}'"
    )
}

fn mcp_json(url: &str, key: &str) -> String {
    let server = serde_json::json!({ "type": "http", "url": url, "headers": { "Authorization": format!("Bearer {key}") } });
    format!(
        "{:#}",
        serde_json::json!({ "mcpServers": { "demo": server } })
    )
}

fn key() -> Result<String, DemoError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| DemoError::Random)?;
    Ok(generate_key(&random).to_string())
}

fn listen(port: u16) -> Result<TcpListener, DemoError> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let bind = || {
        let listener = TcpListener::bind(wanted)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|error| DemoError::Listen(wanted, error))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, DemoError> {
    listener.local_addr().map_err(DemoError::Thread)
}

fn run(listener: TcpListener) -> Result<(), DemoError> {
    let server = Arc::new(DemoServer::new(address(&listener)?));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DemoError::Thread)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(DemoError::Thread)?;
        let bounds = Bounds {
            body_bytes_max: 1 << 20,
            connections_max: 4_096,
            ..Bounds::default()
        };
        serve(listener, bounds, server).await;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Addresses, Demo};

    fn demo() -> Demo {
        let reader = "mcp_cmVhZGVy".to_owned();
        Demo {
            server: "127.0.0.1:4000".parse().unwrap(),
            reader,
            admin: "mcp_YWRtaW4".to_owned(),
        }
    }

    #[test]
    fn the_configuration_loads_without_a_warning() {
        let loaded = demo()
            .source(0)
            .load()
            .unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics));
        let ids: Vec<_> = loaded
            .config
            .auth
            .api_keys
            .iter()
            .map(|key| key.id.as_str())
            .collect();
        assert_eq!(ids, ["reader", "admin"]);
        assert!(
            loaded.warnings.iter().all(|warning| !warning.is_error()),
            "{:#?}",
            loaded.warnings
        );
    }

    #[test]
    fn pasted_lines_carry_valid_json() {
        let addresses = Addresses {
            main: "127.0.0.1:3000".parse().unwrap(),
            admin: "127.0.0.1:9464".parse().unwrap(),
        };
        let text = demo().introduction(addresses);
        let bodies: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once("-d '")?.1.strip_suffix('\''))
            .collect();
        assert_eq!(bodies.len(), 4);
        for body in bodies {
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
                "2026-07-28"
            );
        }
        assert!(
            !format!("{:?}", demo()).contains("cmVhZGVy"),
            "keys stay out of Debug"
        );
    }
}
