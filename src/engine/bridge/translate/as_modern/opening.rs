//! The handshake: `initialize` with what the first client said, then `notifications/initialized`.

use super::super::hello::{Hello, Profile};
use super::super::wire::{self, Kind, METHOD_NOT_FOUND, Message, UNSUPPORTED_VERSION};
use crate::engine::mcp::methods::Method;

/// Id of `initialize`.
const INITIALIZE_ID: &str = "0";

/// A session that is being opened.
#[derive(Debug)]
pub struct Opening;

/// What a message of the server means while the session is being opened.
#[derive(Debug)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// Send this and go on waiting.
    Send(Vec<u8>),
    /// Send this, then the session is open.
    Open(Vec<u8>, Box<Opened>),
    /// There will be no session.
    Refused(Refused),
}

/// What the handshake has shown.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What the server said.
    pub hello: Hello,
    /// Whether the channel tells during which request a message came.
    pub channel_tells: bool,
}

/// Why a server gives no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It answered `initialize` with an error.
    Error,
    /// It speaks no revision of the legacy era, or answered nothing that can be understood.
    WrongEra,
}

impl Opening {
    /// The `initialize` request.
    #[must_use]
    pub fn initialize(profile: &Profile) -> Vec<u8> {
        let params = profile.initialize();
        wire::request(INITIALIZE_ID, Method::Initialize.as_str(), &params)
    }

    /// Reads a message of the server. `is_told`: the channel said during which request it came.
    #[must_use]
    pub fn read(bytes: &[u8], is_told: bool) -> Step {
        let Some(message) = Message::read(bytes) else {
            return Step::Wait;
        };
        match (&message.kind, message.id()) {
            (Kind::Response, Some(INITIALIZE_ID)) => read_response(&message, is_told),
            (Kind::Request(method), Some(id)) if method == Method::Ping.as_str() => {
                Step::Send(wire::result(id, "{}"))
            }
            (Kind::Request(_), Some(id)) => {
                let early = "session is not open yet";
                Step::Send(wire::error(id, METHOD_NOT_FOUND, early))
            }
            _ => Step::Wait,
        }
    }
}

fn read_response(message: &Message<'_>, channel_tells: bool) -> Step {
    let Some(result) = message.object.member("result") else {
        let error = message.object.object("error");
        let code = error.and_then(|error| error.member("code")?.parse().ok());
        return Step::Refused(match code {
            Some(UNSUPPORTED_VERSION) => Refused::WrongEra,
            _ => Refused::Error,
        });
    };
    let initialized = wire::notification(Method::Initialized.as_str(), "{}");
    match Hello::read(result) {
        Some(hello) => Step::Open(
            initialized,
            Box::new(Opened {
                hello,
                channel_tells,
            }),
        ),
        None => Step::Refused(Refused::WrongEra),
    }
}
