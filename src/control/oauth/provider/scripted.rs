//! A provider that answers as a test says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use super::{LoggedIn, LoginSecrets, ProviderFault, VouchFault};
use crate::engine::identity::opaque::Vouched;

/// Answers, in the order in which they are given. One that is not there is [`ProviderFault::Unavailable`].
#[derive(Debug, Default)]
pub(in crate::control::oauth) struct Scripted {
    /// The issuer that `iss` must be, where there is one.
    pub(in crate::control::oauth) issuer: Option<String>,
    /// Whether nobody can be sent to it.
    pub(in crate::control::oauth) is_down: bool,
    /// What comes of codes.
    pub(in crate::control::oauth) redeemed: Mutex<VecDeque<Result<LoggedIn, ProviderFault>>>,
    /// Whether users still are.
    pub(in crate::control::oauth) held: Mutex<VecDeque<Result<LoggedIn, ProviderFault>>>,
    /// How long it takes to say so.
    pub(in crate::control::oauth) held_pause: Duration,
    /// What is said of opaque tokens; the last answer is given again and again.
    pub(in crate::control::oauth) vouched: Mutex<VecDeque<Result<Vouched, VouchFault>>>,
    /// How long it takes to say so.
    pub(in crate::control::oauth) pause: Duration,
    /// The codes and opaque tokens that it was asked about.
    pub(in crate::control::oauth) asked: Mutex<Vec<String>>,
}

impl Scripted {
    pub(super) fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<String, ProviderFault> {
        if self.is_down {
            return Err(nothing());
        }
        let state = &*secrets.state;
        Ok(format!(
            "https://provider.example/authorize?response_type=code&state={state}"
        ))
    }

    pub(super) fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        match &self.issuer {
            Some(issuer) if iss != Some(issuer) => Err(ProviderFault::WrongIssuer),
            _ => Ok(()),
        }
    }

    pub(super) fn redeem(&self, code: &str) -> Result<LoggedIn, ProviderFault> {
        self.asked.lock().unwrap().push(code.to_owned());
        let next = self.redeemed.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(nothing()))
    }

    pub(super) async fn still_holds(&self) -> Result<LoggedIn, ProviderFault> {
        tokio::time::sleep(self.held_pause).await;
        let next = self.held.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(nothing()))
    }

    pub(super) async fn vouch(&self, token: &str) -> Result<Vouched, VouchFault> {
        self.asked.lock().unwrap().push(token.to_owned());
        tokio::time::sleep(self.pause).await;
        let mut vouched = self.vouched.lock().unwrap();
        if vouched.len() > 1 {
            return vouched.pop_front().unwrap();
        }
        let last = vouched.front().cloned();
        last.unwrap_or_else(|| Err(VouchFault::Unavailable("nothing was said of it".into())))
    }
}

fn nothing() -> ProviderFault {
    ProviderFault::Unavailable("it was not told what to say".into())
}
