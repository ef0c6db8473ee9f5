//! Making a connection.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::{Address, Stream, limits::UNIX_CONNECT_RETRY_MS, time};

/// Connects to `address`, with small writes sent at once.
///
/// Errors: `TimedOut` after `limit`, else what the system reports. Dropping the future closes the socket.
pub async fn connect(address: &Address, limit: Duration) -> io::Result<Stream> {
    let attempt = async {
        match address {
            Address::Tcp(address) => connect_tcp(*address).await,
            Address::Unix(path) => connect_unix(path).await,
        }
    };
    time::timeout(limit, attempt)
        .await
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

async fn connect_tcp(address: SocketAddr) -> io::Result<Stream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        None,
    )?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
        _ => {}
    }
    let stream = Stream::tcp(socket.into(), address)?;
    stream.connected().await?;
    Ok(stream)
}

/// A Unix socket connects at once, unless the listener's queue is full.
async fn connect_unix(path: &Path) -> io::Result<Stream> {
    let address = SockAddr::unix(path)?;
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        match socket.connect(&address) {
            Ok(()) => return Stream::unix(socket.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                time::sleep(Duration::from_millis(UNIX_CONNECT_RETRY_MS)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A connected pair of Unix sockets: this worker's end, and one for whoever else in the process is to answer it.
///
/// Neither has a name, and both are closed in children. Errors: out of descriptors.
pub fn pair() -> io::Result<(Stream, OwnedFd)> {
    let (ours, theirs) = Socket::pair(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    Ok((Stream::unix(ours.into())?, theirs.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::{io::Read, net::TcpListener, os::unix::net::UnixListener};

    use super::*;
    use crate::testing::{DEADLINE, on_each_driver};

    #[test]
    fn connects_over_ipv4_ipv6_and_unix() {
        on_each_driver(async || {
            for host in ["127.0.0.1:0", "[::1]:0"] {
                let listener = TcpListener::bind(host).unwrap();
                let address = Address::Tcp(listener.local_addr().unwrap());
                let stream = connect(&address, DEADLINE).await.unwrap();
                stream.write_all(b"x").await.unwrap();
                let mut seen = [0];
                listener.accept().unwrap().0.read_exact(&mut seen).unwrap();
                assert_eq!(&seen, b"x");
            }
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let _listener = UnixListener::bind(&path).unwrap();
            connect(&Address::Unix(path), DEADLINE).await.unwrap();
        });
    }

    #[test]
    fn a_pair_is_connected_and_closed_in_children() {
        on_each_driver(async || {
            let (ours, theirs) = pair().unwrap();
            let flags = descriptor_flags(&theirs);
            assert_ne!(flags & libc::FD_CLOEXEC, 0);
            ours.write_all(b"x").await.unwrap();
            let mut theirs = std::os::unix::net::UnixStream::from(theirs);
            let mut seen = [0];
            theirs.read_exact(&mut seen).unwrap();
            assert_eq!(&seen, b"x");
        });
    }

    /// The descriptor flags, from what the kernel tells of it.
    fn descriptor_flags(fd: &OwnedFd) -> i32 {
        use std::os::fd::AsRawFd as _;
        let info =
            std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
        let octal = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = i32::from_str_radix(octal.trim(), 8).unwrap();
        i32::from(flags & libc::O_CLOEXEC != 0) * libc::FD_CLOEXEC
    }

    #[test]
    fn refused_connection_says_so() {
        on_each_driver(async || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = Address::Tcp(listener.local_addr().unwrap());
            drop(listener);
            assert_eq!(
                connect(&address, DEADLINE).await.unwrap_err().kind(),
                ErrorKind::ConnectionRefused
            );
            let missing = Address::Unix("/nonexistent/socket".into());
            assert_eq!(
                connect(&missing, DEADLINE).await.unwrap_err().kind(),
                ErrorKind::NotFound
            );
        });
    }

    #[test]
    fn silent_listener_times_out() {
        on_each_driver(async || {
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            listener
                .bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into())
                .unwrap();
            listener.listen(0).unwrap();
            let address = Address::Tcp(listener.local_addr().unwrap().as_socket().unwrap());
            // A queue of none takes one connection; the SYN of a later one is dropped.
            let mut held = Vec::new();
            let outcome = loop {
                match connect(&address, Duration::from_millis(100)).await {
                    Ok(stream) => held.push(stream),
                    Err(error) => break error,
                }
                assert!(held.len() < 8, "the queue is not bounded");
            };
            assert_eq!(outcome.kind(), ErrorKind::TimedOut);
        });
    }
}
