//! What did not work, and what to do about it.

use maud::html;

use super::{Page, in_words, login_path};
use crate::control::tls::now_secs;
use crate::engine::route::PublicBase;
use crate::mailbox::{OAuthOutcome, OAuthReply, Told};

/// What did not work, as far as the person before the browser can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control::oauth::front) enum Failure {
    /// The application's request cannot be answered to the application.
    BadRequest,
    /// Applications get no tokens here.
    NoServer,
    /// The application is not known.
    UnknownClient,
    /// The application cannot be looked up now.
    ClientUnavailable,
    /// The login was used before, has taken too long, or is of another browser.
    LoginOver,
    /// The form was not sent by our page.
    ForeignForm,
    /// The person pressed Deny on their own login.
    Refused,
    /// The provider's answer cannot be used.
    ProviderFailed,
    /// The provider does not take the gateway for its client.
    NotSetUp,
    /// The provider said no, or the person did there.
    ProviderRefused,
    /// The person may not use the gateway.
    NotAllowed,
    /// Something of ours failed.
    Internal,
}

impl Failure {
    /// Every failure.
    #[cfg(test)]
    pub(super) const ALL: [Self; 12] = [
        Self::BadRequest,
        Self::NoServer,
        Self::UnknownClient,
        Self::ClientUnavailable,
        Self::LoginOver,
        Self::ForeignForm,
        Self::Refused,
        Self::ProviderFailed,
        Self::NotSetUp,
        Self::ProviderRefused,
        Self::NotAllowed,
        Self::Internal,
    ];

    const fn status(self) -> u16 {
        match self {
            Self::ForeignForm | Self::NotAllowed => 403,
            Self::Refused => 200,
            Self::ClientUnavailable | Self::ProviderFailed => 503,
            Self::Internal | Self::NotSetUp => 500,
            _ => 400,
        }
    }

    const fn outcome(self) -> OAuthOutcome {
        match self {
            Self::Refused => OAuthOutcome::Shown,
            Self::NotAllowed | Self::ProviderRefused => OAuthOutcome::Denied,
            Self::ClientUnavailable | Self::ProviderFailed | Self::NotSetUp | Self::Internal => {
                OAuthOutcome::Failed
            }
            _ => OAuthOutcome::Refused,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::BadRequest | Self::UnknownClient => "This login cannot begin",
            Self::NoServer => "Applications cannot log in here",
            Self::ClientUnavailable => "The application cannot be looked up",
            Self::LoginOver => "This login is over",
            Self::ForeignForm => "This form was not accepted",
            Self::Refused => "Nothing was allowed",
            Self::ProviderFailed => "The login service cannot be reached",
            Self::NotSetUp => "This gateway is not set up correctly",
            Self::ProviderRefused => "You were not logged in",
            Self::NotAllowed => "You may not use this gateway",
            Self::Internal => "Something went wrong here",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::BadRequest => {
                "The application that sent you here asked in a way that cannot be answered. Go back to it and try again. \
                 If it happens again, tell whoever makes the application."
            }
            Self::NoServer => {
                "This gateway gives no tokens to applications. Open this page without anything behind its address to get a \
                 token for yourself, or ask the operator of the gateway."
            }
            Self::UnknownClient => {
                "The application that sent you here is not known to this gateway. It may have registered long ago: remove \
                 the server in the application, add it again, and log in."
            }
            Self::ClientUnavailable => {
                "The gateway could not find out who the application is. Go back to it and try again in a minute."
            }
            Self::LoginOver => {
                "It was used already, took longer than ten minutes, or was begun in another browser. Go back to the \
                 application and log in again. If that does not help, allow cookies for this site."
            }
            Self::ForeignForm => {
                "The answer did not come from a page of this gateway, so nothing was done. Go back to the application and \
                 log in again."
            }
            Self::Refused => "You can close this page.",
            Self::ProviderFailed => {
                "The gateway could not finish the login with the service that knows you. Try again in a minute."
            }
            Self::NotSetUp => {
                "The service that knows you does not accept this gateway as it is set up. Trying again will not help; tell the \
                 operator of the gateway."
            }
            Self::ProviderRefused => {
                "The service that knows you did not log you in, or you stopped there. You can try again."
            }
            Self::NotAllowed => {
                "You are logged in, but your account is not among those that may use this gateway. Ask its operator, or log \
                 in with another account."
            }
            Self::Internal => {
                "The gateway could not finish this. Try again; if it happens again, tell its operator."
            }
        }
    }
}

/// The page that says so. `message` is for the operator's record.
pub(in crate::control::oauth::front) fn failure(
    base: &PublicBase,
    failure: Failure,
    message: impl Into<Box<str>>,
) -> OAuthReply {
    page(base, failure, message.into(), false)
}

/// The same to somebody who came by themselves: no application can begin anew for them, so the page can.
pub(in crate::control::oauth::front) fn failure_of_person(
    base: &PublicBase,
    failure: Failure,
    message: impl Into<Box<str>>,
) -> OAuthReply {
    page(base, failure, message.into(), true)
}

fn page(base: &PublicBase, failure: Failure, message: Box<str>, is_person: bool) -> OAuthReply {
    let told = Told {
        outcome: failure.outcome(),
        identity: None,
        message: Some(message),
    };
    Page {
        status: failure.status(),
        title: failure.title(),
        base,
        refresh: None,
        body: html! {
            h1 { (failure.title()) }
            p { (failure.advice()) }
            @if is_person {
                p { a.button href=(login_path(base)) { "Log in again" } }
            }
            footer { "If you ask the operator for help, say when this was: " (in_words(now_secs())) "." }
        },
    }
    .reply(told)
}
