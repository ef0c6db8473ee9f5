//! Asking a server over a channel which era it speaks (2026-07-28 stdio, Backward Compatibility).

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::control::bridge::{FromServer, Link, LinkEnd};
use crate::engine::bridge::shared::{DISCOVER_REQUEST, DiscoverAnswer, discover_answer};

/// Messages of a server that are read while its answer is awaited: it may log, or ask.
const MESSAGES_MAX: usize = 64;

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Probe {
    /// The server is modern, or of both eras.
    Modern,
    /// It answers as no modern server does, or not at all. A late answer has an id that no client's request has.
    Legacy,
    /// The link ended. Some legacy servers end when they are asked what they do not know.
    Ended(LinkEnd),
}

/// Sends `server/discover` over `link` and waits `patience` for the answer. What else the server says meanwhile is lost.
pub(in crate::control) async fn probe_modern(link: &mut Link, patience: Duration) -> Probe {
    let deadline = Instant::now() + patience;
    match timeout_at(deadline, ask(link)).await {
        Ok(probe) => probe,
        Err(_silence) => Probe::Legacy,
    }
}

async fn ask(link: &mut Link) -> Probe {
    if link.to_server.send(DISCOVER_REQUEST.into()).await.is_err() {
        return ended(link).await;
    }
    for _ in 0..MESSAGES_MAX {
        match link.from_server.recv().await {
            None => return Probe::Ended(LinkEnd::Broke),
            Some(FromServer::Ended(end)) => return Probe::Ended(end),
            Some(FromServer::Message { bytes, .. }) => match discover_answer(&bytes) {
                DiscoverAnswer::Modern => return Probe::Modern,
                DiscoverAnswer::Legacy => return Probe::Legacy,
                DiscoverAnswer::Unrelated => {}
            },
        }
    }
    Probe::Legacy
}

/// Why a link takes no more messages.
async fn ended(link: &mut Link) -> Probe {
    while let Some(said) = link.from_server.recv().await {
        if let FromServer::Ended(end) = said {
            return Probe::Ended(end);
        }
    }
    Probe::Ended(LinkEnd::Broke)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::{MESSAGES_MAX, Probe, probe_modern};
    use crate::control::bridge::{FromServer, Link, LinkEnd};

    fn said(text: &str) -> FromServer {
        FromServer::Message {
            bytes: text.into(),
            during: None,
        }
    }

    async fn probe(answers: Vec<FromServer>, ends: bool) -> Probe {
        let (to_server, mut asked) = mpsc::channel(1);
        let (server, from_server) = mpsc::channel(MESSAGES_MAX + 1);
        for answer in answers {
            server.try_send(answer).unwrap();
        }
        let kept = (!ends).then_some(server);
        let mut link = Link {
            to_server,
            from_server,
        };
        let found = probe_modern(&mut link, Duration::from_millis(50)).await;
        let question = String::from_utf8(asked.recv().await.unwrap()).unwrap();
        assert!(question.contains("server/discover"), "{question}");
        drop(kept);
        found
    }

    #[tokio::test]
    async fn the_answer_decides_and_silence_means_legacy() {
        let modern = r#"{"jsonrpc":"2.0","id":"mcp-guard/discover","result":{"supportedVersions":["2026-07-28"]}}"#;
        let legacy =
            r#"{"jsonrpc":"2.0","id":"mcp-guard/discover","error":{"code":-32601,"message":""}}"#;
        let log = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
        assert_eq!(
            probe(vec![said(log), said(modern)], false).await,
            Probe::Modern
        );
        assert_eq!(
            probe(vec![said("junk"), said(legacy)], false).await,
            Probe::Legacy
        );
        assert_eq!(probe(Vec::new(), false).await, Probe::Legacy);
        let noise = (0..MESSAGES_MAX).map(|_| said(log)).chain([said(modern)]);
        assert_eq!(probe(noise.collect(), false).await, Probe::Legacy);
        let end = FromServer::Ended(LinkEnd::Exited);
        assert_eq!(probe(vec![end], false).await, Probe::Ended(LinkEnd::Exited));
        assert_eq!(probe(Vec::new(), true).await, Probe::Ended(LinkEnd::Broke));
    }
}
