//! From the link to the child's standard input.

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, watch};

use super::attendant::Phase;
use super::lines::flatten;

/// Why nothing more is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputEnd {
    /// All that will be said was said.
    Said,
    /// The child has closed its input.
    Refused,
}

/// Writes each message as one line until the link's sender is gone, or the child reads no more. When the session is being left,
/// what was sent before still goes out. Ending closes the child's input.
pub(super) async fn write(
    mut messages: mpsc::Receiver<Vec<u8>>,
    mut pipe: pipe::Sender,
    mut phase: watch::Receiver<Phase>,
) -> InputEnd {
    let mut is_open = true;
    loop {
        let message = tokio::select! {
            message = messages.recv() => message,
            _ = phase.wait_for(|phase| *phase >= Phase::Leaving), if is_open => {
                is_open = false;
                messages.close();
                continue;
            }
        };
        let Some(mut message) = message else {
            return InputEnd::Said;
        };
        flatten(&mut message);
        message.push(b'\n');
        if pipe.write_all(&message).await.is_err() {
            return InputEnd::Refused;
        }
    }
}
