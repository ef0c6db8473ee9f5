#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::control::http::backlog::{BYTES_MAX, Waiting};
use crate::control::http::{Bounds, Client, Endpoint, Handler, Request, Response, serve};

/// Answers with what it saw; `/stream` counts for ever, `/three` sends three pieces.
struct Echo {
    gone: mpsc::Sender<()>,
}

impl Handler for Echo {
    async fn handle(&self, request: Request) -> Response {
        let limit = match request.path() {
            b"/stream" => usize::MAX,
            b"/three" => 3,
            _ => return Response::new(200, "text/plain", request.body).with("X-Bad", "a\r\nb"),
        };
        let (sender, pieces) = mpsc::channel(1);
        let gone = self.gone.clone();
        tokio::spawn(async move {
            for number in 0..limit {
                if sender
                    .send(format!("data: {number}\n\n").into_bytes())
                    .await
                    .is_err()
                {
                    let _ = gone.send(()).await;
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Response::events(pieces)
    }
}

async fn start(bounds: Bounds) -> (u16, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (gone, went) = mpsc::channel(1);
    tokio::spawn(serve(listener, bounds, Arc::new(Echo { gone })));
    (port, went)
}

async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test(flavor = "current_thread")]
async fn requests_follow_each_other_on_one_connection() {
    let (port, _went) = start(Bounds::default()).await;
    let mut client = Client::connect(&Endpoint::Tcp("127.0.0.1".into(), port))
        .await
        .unwrap();
    for body in ["one", "two", ""] {
        let answer = client
            .send(Method::Post, "/", &[("Host", "localhost")], body.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("x-bad"),
            None,
            "a value with a line end is left out"
        );
        assert_eq!(answer.body(100).await.unwrap(), body.as_bytes());
    }
    let answer = client
        .send(Method::Get, "/three", &[("Host", "localhost")], b"")
        .await
        .unwrap();
    assert_eq!(
        answer.body(100).await.unwrap(),
        b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    );
    assert_eq!(
        client
            .send(Method::Head, "/", &[("Host", "localhost")], b"")
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test(flavor = "current_thread")]
async fn pipelined_and_chunked_requests_are_answered_in_order() {
    let (port, _went) = start(Bounds::default()).await;
    let first =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n";
    let second = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\ntwo";
    let answer = raw(port, &format!("{first}{second}")).await;
    let one = answer.find("\r\n\r\none").unwrap();
    assert!(one < answer.find("\r\n\r\ntwo").unwrap());
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_read_is_answered_and_closed() {
    let (port, _went) = start(Bounds {
        body_bytes_max: 4,
        ..Bounds::default()
    })
    .await;
    let rows = [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfives",
            "413",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfives\r\n0\r\n\r\n",
            "413",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "400",
        ),
    ];
    for (request, status) in rows {
        let answer = raw(port, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?} got {answer:?}"
        );
        assert!(answer.contains("Connection: close"));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_that_does_not_arrive_in_time_is_ended() {
    let (port, _went) = start(Bounds {
        request_time: Duration::from_millis(50),
        ..Bounds::default()
    })
    .await;
    let answer = raw(port, "GET / HTTP/1.1\r\nHost:").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_ends_when_its_client_goes() {
    let (port, mut went) = start(Bounds::default()).await;
    let mut client = Client::connect(&Endpoint::Tcp("127.0.0.1".into(), port))
        .await
        .unwrap();
    let mut answer = client
        .send(Method::Get, "/stream", &[("Host", "localhost")], b"")
        .await
        .unwrap();
    assert!(answer.piece().await.unwrap().is_some());
    drop(client);
    tokio::time::timeout(Duration::from_secs(10), went.recv())
        .await
        .unwrap()
        .unwrap();
}

const LARGE: usize = 64 << 10;

/// Serves `bounds` on one end of a pipe that holds little, and asks on the other for a large answer.
async fn ask_for_much(bounds: Bounds) -> (tokio::io::DuplexStream, tokio::task::JoinHandle<()>) {
    let (mut client, server) = tokio::io::duplex(4 << 10);
    let serving = tokio::spawn(async move {
        let (gone, _) = mpsc::channel(1);
        super::run(server, &bounds, &Echo { gone }).await;
    });
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; LARGE]).await.unwrap();
    (client, serving)
}

#[tokio::test(flavor = "current_thread")]
async fn a_reader_that_is_slow_gets_all_of_an_answer() {
    let write_time = Duration::from_millis(200);
    let bounds = Bounds {
        write_time,
        ..Bounds::default()
    };
    let (mut client, _serving) = ask_for_much(bounds).await;
    let (begun, mut read, mut piece) = (std::time::Instant::now(), 0, vec![0; 4 << 10]);
    while read < LARGE {
        tokio::time::sleep(write_time / 8).await;
        let more = client.read(&mut piece).await.unwrap();
        assert!(more > 0, "{read} bytes of the answer");
        read += more;
    }
    assert!(begun.elapsed() > write_time, "the test is too fast to tell");
}

#[tokio::test(flavor = "current_thread")]
async fn a_reader_that_stands_still_is_given_up_sooner_in_a_crowd() {
    let bounds = Bounds {
        write_time: Duration::from_secs(600),
        crowded_time: Duration::from_millis(50),
        ..Bounds::default()
    };
    let (_client, mut serving) = ask_for_much(bounds).await;
    let alone = tokio::time::timeout(Duration::from_millis(300), &mut serving).await;
    assert!(alone.is_err(), "nobody else waits");
    let _others = Waiting::of(BYTES_MAX);
    let crowded = tokio::time::timeout(Duration::from_secs(10), serving).await;
    crowded.unwrap().unwrap();
}
