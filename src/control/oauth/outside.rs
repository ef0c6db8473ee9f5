//! What the endpoints ask of others over the network, as traits: tests put others in their place.

use std::fmt;

use super::directory::{ClientFault, Directory};
use super::provider::{LoggedIn, LoginSecrets, Provider, ProviderFault};
use crate::control::bridge::BoxFuture;
use crate::engine::oauth::Client;

/// Who people log in with.
pub(super) trait Login: fmt::Debug + Send + Sync {
    /// See [`Provider::authorization_url`].
    fn authorization_url<'a>(
        &'a self,
        secrets: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<String, ProviderFault>>;

    /// See [`Provider::check_issuer`].
    fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault>;

    /// See [`Provider::redeem`].
    fn redeem<'a>(
        &'a self,
        code: &'a str,
        secrets: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>>;

    /// See [`Provider::still_holds`].
    fn still_holds<'a>(
        &'a self,
        tokens: &'a [u8],
    ) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>>;
}

impl Login for Provider {
    fn authorization_url<'a>(
        &'a self,
        secrets: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<String, ProviderFault>> {
        Box::pin(Self::authorization_url(self, secrets))
    }

    fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        Self::check_issuer(self, iss)
    }

    fn redeem<'a>(
        &'a self,
        code: &'a str,
        secrets: &'a LoginSecrets,
    ) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>> {
        Box::pin(Self::redeem(self, code, secrets))
    }

    fn still_holds<'a>(
        &'a self,
        tokens: &'a [u8],
    ) -> BoxFuture<'a, Result<LoggedIn, ProviderFault>> {
        Box::pin(Self::still_holds(self, tokens))
    }
}

/// Who acts for people.
pub(super) trait Clients: fmt::Debug + Send + Sync {
    /// See [`Directory::find`].
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Client, ClientFault>>;
}

impl Clients for Directory {
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Client, ClientFault>> {
        Box::pin(Self::find(self, id))
    }
}
