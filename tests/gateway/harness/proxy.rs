//! Proxies that people run: nginx and HAProxy. Tests that want one are skipped where it is not installed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::eventually;
use super::shelf::Shelf;

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxy {
    /// Starts `program` with a configuration for a port that was free a moment ago; `None`, and a word of it, where it is not
    /// installed.
    pub(crate) fn start(
        shelf: &Shelf,
        program: &str,
        arguments: &[&str],
        configuration: impl Fn(u16) -> String,
    ) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let file = shelf.put(program, &configuration(address.port()));
        let started = Command::new(program)
            .args(arguments)
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            eprintln!("skipped: {program} is not installed");
            return None;
        };
        let mut proxy = Self { child, address };
        eventually("the proxy listens", || {
            assert!(proxy.child.try_wait().unwrap().is_none(), "{program} ended");
            TcpStream::connect(address).is_ok().then_some(())
        });
        Some(proxy)
    }
}
