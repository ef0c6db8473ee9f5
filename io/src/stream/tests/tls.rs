//! The same properties under TLS, and those of its own.

use std::{net::TcpStream, sync::Mutex, task::Poll};

use rustls::{ClientConnection, StreamOwned};

use super::*;
use crate::{
    testing::{DEADLINE, is_alone},
    tls::{
        ClientAuth, ClientTls, ServerName, ServerTls,
        testing::{Authority, Issued, VERSIONS, client, server},
    },
};

/// What both sides need.
struct Ends {
    clients: [ClientTls; 2],
    server: ServerTls,
}

impl Ends {
    fn new() -> Self {
        let ours = Authority::new("ours");
        let own = ours.issue(&["localhost"], |_| {});
        Self::showing(&ours, &own, &own)
    }

    /// The same with `shown` as the client's certificate, all of them from `ours`.
    fn showing(ours: &Authority, own: &Issued, shown: &Issued) -> Self {
        let auth = ClientAuth::Required(ours.trust());
        Self {
            clients: VERSIONS.map(|(_, version)| client(version, ours.trust(), Some(shown))),
            server: server(vec![own.pair()], auth),
        }
    }

    /// A client's end and a server's, of each version.
    async fn pairs(&self) -> Vec<(Stream, Stream)> {
        let mut pairs = Vec::new();
        for client in &self.clients {
            pairs.push(self.pair(client).await);
        }
        pairs
    }

    async fn pair(&self, client: &ClientTls) -> (Stream, Stream) {
        let (near, far) = tcp_pair().await;
        let (near, far) = join(
            near.connect_tls(client, &name(), DEADLINE),
            far.accept_tls(&self.server, DEADLINE),
        )
        .await;
        (near.unwrap(), far.unwrap())
    }

    /// A server's end, and a client on a thread of another implementation of the transport.
    async fn blocking(
        &self,
        client: &ClientTls,
        act: impl FnOnce(StreamOwned<ClientConnection, TcpStream>) + Send + 'static,
    ) -> (Stream, std::thread::JoinHandle<()>) {
        let (seed, config) = (bound(), client.config().clone());
        let listener = seed.open().unwrap();
        let address = listener.local_addr();
        let thread = std::thread::spawn(move || {
            let socket = TcpStream::connect(address).unwrap();
            socket.set_read_timeout(Some(DEADLINE)).unwrap();
            socket.set_nodelay(true).unwrap();
            act(StreamOwned::new(
                ClientConnection::new(config, name()).unwrap(),
                socket,
            ));
        });
        let (stream, _) = listener.accept().await.unwrap();
        (
            stream.accept_tls(&self.server, DEADLINE).await.unwrap(),
            thread,
        )
    }
}

fn bound() -> crate::ListenerSeed {
    crate::bind("127.0.0.1:0".parse().unwrap(), crate::AcceptMode::Shared, 1)
        .unwrap()
        .remove(0)
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn held_bytes(stream: &Stream) -> usize {
    stream.tls.as_ref().unwrap().held_bytes()
}

#[test]
fn plain_streams_are_larger_by_a_pointer() {
    assert_eq!(
        size_of::<Stream>(),
        size_of::<Socket>() + size_of::<usize>()
    );
}

#[test]
fn bytes_arrive_as_sent() {
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            for round in 0..50_u8 {
                near.write_all(&[round; 580]).await.unwrap();
                assert_eq!(&*read_exact(&far, 580).await, [round; 580]);
                far.write_all_pair(&[round; 20], &[!round; 300])
                    .await
                    .unwrap();
                let answer = read_exact(&near, 320).await;
                assert_eq!(
                    (&answer[..20], &answer[20..]),
                    (&[round; 20][..], &[!round; 300][..])
                );
            }
            assert_eq!((held_bytes(&near), held_bytes(&far)), (0, 0));
        }
    });
}

#[test]
fn both_ways_at_once_with_a_stalled_reader_hold_little() {
    const LEN: usize = 8 << 20;
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            let (out, back) = (vec![1; LEN], vec![2; LEN]);
            let stalled = async {
                time::sleep(Duration::from_millis(50)).await;
                let held = held_bytes(&near).max(held_bytes(&far));
                assert!(held <= 160 << 10, "{held} bytes held");
                read_exact(&far, LEN).await
            };
            let near_side = join(near.write_all(&out), read_exact(&near, LEN));
            let far_side = join(far.write_all_pair(&back[..9], &back[9..]), stalled);
            let ((wrote, near_read), (far_wrote, far_read)) = join(near_side, far_side).await;
            wrote.unwrap();
            far_wrote.unwrap();
            assert!(near_read.iter().all(|&byte| byte == 2));
            assert!(far_read.iter().all(|&byte| byte == 1));
            assert_eq!((held_bytes(&near), held_bytes(&far)), (0, 0));
        }
    });
}

#[test]
fn end_that_was_said_is_zero_and_a_cut_is_an_error() {
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            near.write_all(b"last").await.unwrap();
            near.shutdown_write().unwrap();
            let mut buffer = Buffer::new();
            assert_eq!(far.read(&mut buffer).await.unwrap(), 4);
            assert_eq!(far.read(&mut buffer).await.unwrap(), 0);
            assert_eq!(far.read(&mut buffer).await.unwrap(), 0);
            far.write_all(b"still open this way").await.unwrap();
            assert_eq!(&*read_exact(&near, 19).await, b"still open this way");
            drop(far);
            assert_eq!(near.read(&mut buffer).await.unwrap(), 0);
        }
        for (near, far) in ends.pairs().await {
            near.write_all(b"not all").await.unwrap();
            near.socket.shutdown_write().unwrap();
            let mut buffer = Buffer::new();
            assert_eq!(far.read(&mut buffer).await.unwrap(), 7);
            for _ in 0..2 {
                let error = far.read(&mut buffer).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            }
        }
        for (near, far) in ends.pairs().await {
            near.abort();
            let error = far.read(&mut Buffer::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn dropped_reads_and_writes_lose_nothing() {
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            for round in 0..20_u8 {
                let mut buffer = Buffer::new();
                let early = select(far.read(&mut buffer), yield_now()).await;
                assert!(matches!(early, Either::Right(())));
                assert_eq!((buffer.capacity(), held_bytes(&far)), (0, 0));
                near.write_all(&[round; 8]).await.unwrap();
                assert_eq!(&*read_exact(&far, 8).await, [round; 8]);
            }
            // A write that is dropped has sent a prefix, whose last record the next one completes.
            let content: Vec<u8> = (0..32_usize << 20).map(|n| (n / 7) as u8).collect();
            let cut = time::timeout(Duration::from_millis(50), near.write_all(&content)).await;
            assert!(cut.is_err());
            let mut received = Vec::new();
            let mut buffer = Buffer::with_capacity(64 << 10);
            let reader = async {
                while !received.ends_with(b"the end") {
                    far.read(&mut buffer).await.unwrap();
                    received.extend_from_slice(&buffer);
                    buffer.clear();
                }
            };
            let (wrote, ()) = join(near.write_all(b"the end"), reader).await;
            wrote.unwrap();
            let sent = received.len() - 7;
            assert!(sent > 0 && received[..sent] == content[..sent]);
        }
    });
}

#[test]
fn readable_tells_of_data_and_of_nothing_else() {
    let ends = Ends::new();
    on_each_driver(async || {
        // Under TLS 1.3 the server's ticket lies in front of the client.
        for (near, far) in ends.pairs().await {
            let early = time::timeout(Duration::from_millis(30), near.readable()).await;
            assert!(early.is_err());
            assert_eq!(held_bytes(&near), 0);
            far.write_all(&[7; 6000]).await.unwrap();
            near.readable().await.unwrap();
            let mut buffer = Buffer::new();
            assert_eq!(near.read(&mut buffer).await.unwrap(), 4096);
            // The rest is decrypted: nothing will come to the socket.
            near.readable().await.unwrap();
            near.hangup_is_pending().await;
            buffer.clear();
            assert_eq!(near.read(&mut buffer).await.unwrap(), 6000 - 4096);
            assert_eq!(held_bytes(&near), 0);
        }
    });
}

impl Stream {
    async fn hangup_is_pending(&self) {
        let early = select(self.hangup(), yield_now()).await;
        assert!(matches!(early, Either::Right(())));
    }
}

#[test]
fn departure_is_noticed_and_costs_no_bytes() {
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            for round in 0..20_u8 {
                far.hangup_is_pending().await;
                near.write_all(&[round; 16]).await.unwrap();
                if round % 2 == 0 {
                    far.hangup_is_pending().await;
                }
                assert_eq!(&*read_exact(&far, 16).await, [round; 16]);
            }
            // The end is said, the transport stays.
            near.tls.as_ref().unwrap().close(&near.socket);
            far.hangup().await;
            assert_eq!(far.read(&mut Buffer::new()).await.unwrap(), 0);
        }
        for (near, far) in ends.pairs().await {
            near.write_all(b"pipelined").await.unwrap();
            let early = time::timeout(Duration::from_millis(20), far.hangup()).await;
            assert_eq!(early, Err(time::Elapsed));
            // The end is said behind the bytes, the transport stays.
            near.tls.as_ref().unwrap().close(&near.socket);
            far.hangup().await;
            assert_eq!(&*read_exact(&far, 9).await, b"pipelined");
            assert_eq!(far.read(&mut Buffer::new()).await.unwrap(), 0);
        }
        for (near, far) in ends.pairs().await {
            near.write_all(b"pipelined").await.unwrap();
            // The transport ends, the end was not said.
            near.socket.shutdown_write().unwrap();
            far.hangup().await;
            assert_eq!(&*read_exact(&far, 9).await, b"pipelined");
            let error = far.read(&mut Buffer::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
        for (near, far) in ends.pairs().await {
            near.abort();
            far.hangup().await;
        }
    });
}

#[test]
fn idle_connection_is_stale_when_closed_reset_or_spoken_on_but_not_for_a_ticket() {
    let ends = Ends::new();
    on_each_driver(async || {
        type Act = fn(Stream) -> Option<Stream>;
        let acts: [(Act, bool); 4] = [
            (|far| Some(far), false),
            (|_| None, true),
            (
                |far| {
                    far.abort();
                    None
                },
                true,
            ),
            (
                |far| {
                    far.tls.as_ref().unwrap().close(&far.socket);
                    Some(far)
                },
                true,
            ),
        ];
        for (act, expected) in acts {
            for (near, far) in ends.pairs().await {
                near.watch_idle();
                let _far = act(far);
                time::sleep(Duration::from_millis(20)).await;
                assert_eq!(near.has_gone_stale(), expected);
                assert_eq!(near.has_gone_stale(), expected);
                assert_eq!(near.is_stale(), expected);
                assert_eq!(held_bytes(&near), 0);
            }
        }
        for (near, far) in ends.pairs().await {
            near.watch_idle();
            far.write_all(b"x").await.unwrap();
            time::sleep(Duration::from_millis(20)).await;
            assert!(near.has_gone_stale() && near.is_stale());
        }
    });
}

#[test]
fn deadlines_hold() {
    let ends = Ends::new();
    on_each_driver(async || {
        for (near, far) in ends.pairs().await {
            far.set_deadline(Some(Duration::from_millis(50)));
            let error = far.read(&mut Buffer::new()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(
                far.write_all(b"x").await.unwrap_err().kind(),
                ErrorKind::TimedOut
            );
            drop(near);
        }
        for (near, _far) in ends.pairs().await {
            near.set_deadline(Some(Duration::from_millis(50)));
            let error = near.write_all(&vec![0; 32 << 20]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(near.timed_out());
        }
    });
}

#[test]
fn key_updates_are_followed_and_a_flood_of_them_is_cut_off() {
    let ends = Ends::new();
    on_each_driver(async || {
        let (stream, thread) = ends
            .blocking(&ends.clients[1], |mut client| {
                use std::io::Write as _;
                let mut answer = [0; 5];
                for _ in 0..100 {
                    client.write_all(b"hello").unwrap();
                    client.conn.refresh_traffic_keys().unwrap();
                    client.flush().unwrap();
                    client.read_exact(&mut answer).unwrap();
                }
                for _ in 0..100 {
                    client.conn.refresh_traffic_keys().unwrap();
                }
                let _ = client.flush();
            })
            .await;
        for _ in 0..100 {
            let hello = read_exact(&stream, 5).await;
            stream.write_all(&hello).await.unwrap();
        }
        let error = stream.read(&mut Buffer::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        drop(stream);
        thread.join().unwrap();
    });
}

#[test]
fn flood_of_tickets_is_cut_off() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let flooding = server(vec![own.pair()], ClientAuth::None).altered(|config| {
        config.send_tls13_tickets = 2_000;
        config.max_tls13_tickets = 2_000;
    });
    let client = client(VERSIONS[1].1, ours.trust(), None);
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        let client_side = async {
            let near = near.connect_tls(&client, &name(), DEADLINE).await.unwrap();
            near.read(&mut Buffer::new()).await.unwrap_err()
        };
        let (error, _) = join(client_side, far.accept_tls(&flooding, DEADLINE)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("without data"), "{error}");
    });
}

#[test]
fn writer_of_much_lets_others_run_and_goes_on() {
    const TURN: usize =
        crate::limits::TLS_RECORDS_PER_TURN_MAX as usize * crate::limits::TLS_PLAINTEXT_BYTES_MAX;
    let ends = Ends::new();
    on_each_driver(async || {
        let (near, far) = ends.pair(&ends.clients[1]).await;
        let content = vec![1; 4 * TURN];
        let mut parts: [&[u8]; 2] = [&content, &[]];
        let tls = near.tls.as_ref().unwrap();
        let first = poll_fn(|cx| Poll::Ready(tls.poll_write(&near.socket, cx, &mut parts))).await;
        assert!(first.is_pending());
        assert!(content.len() - parts[0].len() <= TURN);
        let rest = near.write_all(parts[0]);
        let (wrote, read) = join(rest, read_exact(&far, content.len())).await;
        wrote.unwrap();
        assert_eq!(&*read, content);
    });
}

/// In a process of its own: what all of it allocates, C included, is what the connections allocate.
#[test]
fn idle_connection_holds_eight_kilobytes_at_most() {
    const HELD_BYTES_MAX: usize = 8 << 10;
    let name = "stream::tests::tls::idle_connection_holds_eight_kilobytes_at_most";
    if !is_alone(name, 1024) {
        return;
    }
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    // As long as three with RSA keys of 2048 bits.
    let [one, two] = ["1", "2"].map(|digit| digit.repeat(150));
    let long = ours.below(&one).below(&two);
    let long = long.issue(&["localhost", &"x.".repeat(120)], |_| {});
    let more = long.chain_bytes() - own.chain_bytes();
    assert!((1_500..2_500).contains(&more), "{more}");
    let short = held_for_both(&Ends::showing(&ours, &own, &own));
    let long = held_for_both(&Ends::showing(&ours, &own, &long));
    println!("{short:?} and, with {more} bytes more of certificates, {long:?} for both ends");
    for (short, long) in short.into_iter().zip(long) {
        assert!(short / 2 <= HELD_BYTES_MAX, "{short} bytes for both ends");
        let own_end = short / 2 + long.saturating_sub(short);
        assert!(own_end <= HELD_BYTES_MAX, "{own_end} bytes");
        // What a client shows is held once, with what the allocator adds to each certificate.
        let grown = long.saturating_sub(short);
        assert!(grown < more * 5 / 4 + 200, "{grown} for {more}");
    }
}

/// What both ends of an idle connection have allocated, by version and driver.
fn held_for_both(ends: &Ends) -> Vec<usize> {
    const PAIRS: usize = 100;
    let held = Mutex::new(Vec::new());
    on_each_driver(async || {
        for client in &ends.clients {
            let mut kept = Vec::with_capacity(PAIRS);
            let mut before = 0;
            for round in 0..PAIRS + 20 {
                // The first ones fill what is shared: pools, sessions, tables.
                if round == 20 {
                    before = crate::sys::allocated_bytes();
                }
                let (near, far) = ends.pair(client).await;
                near.write_all(&[1; 600]).await.unwrap();
                read_exact(&far, 600).await;
                far.write_all(&[2; 9000]).await.unwrap();
                read_exact(&near, 9000).await;
                assert!(
                    time::timeout(Duration::from_millis(1), far.readable())
                        .await
                        .is_err()
                );
                kept.push((near, far));
            }
            let both = (crate::sys::allocated_bytes() - before) / PAIRS;
            held.lock().unwrap().push(both);
        }
    });
    held.into_inner().unwrap()
}
