//! What a browser carries between pages: a secret that its logins belong to, and who logged in last.
//!
//! Cookies are `__Host-`: only this host can set them, over TLS, for all of it. A gateway on plain `http` can be on loopback alone,
//! and there no browser takes such a cookie; it gets one without prefix and `Secure`, which any other program on a port of this
//! host could read: good enough for trying out, and said in the documentation.

use zeroize::Zeroizing;

use super::random::is_random;
use crate::engine::limits::{BROWSER_USER_SECS, LOGIN_MS_MAX};
use crate::engine::oauth::SecretHash;
use crate::engine::route::PublicBase;
use crate::engine::seal::{Purpose, Sealer};
use crate::mailbox::OAuthRequest;

/// A cookie of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The secret that logins on their way belong to.
    Login,
    /// Who logged in last, sealed.
    User,
}

impl Cookie {
    const fn secure_name(self) -> &'static str {
        match self {
            Self::Login => "__Host-mcpg-login",
            Self::User => "__Host-mcpg-user",
        }
    }

    const fn plain_name(self) -> &'static str {
        match self {
            Self::Login => "mcpg-login",
            Self::User => "mcpg-user",
        }
    }

    fn name(self, base: &PublicBase) -> &'static str {
        match is_secure(base) {
            true => self.secure_name(),
            false => self.plain_name(),
        }
    }

    const fn life_secs(self) -> u64 {
        match self {
            Self::Login => LOGIN_MS_MAX / 1_000,
            Self::User => BROWSER_USER_SECS,
        }
    }

    /// The `Set-Cookie` that gives it `value`.
    pub(super) fn set(self, base: &PublicBase, value: &str) -> (&'static str, String) {
        self.field(base, value, self.life_secs())
    }

    /// The `Set-Cookie` that takes it away.
    pub(super) fn clear(self, base: &PublicBase) -> (&'static str, String) {
        self.field(base, "", 0)
    }

    fn field(self, base: &PublicBase, value: &str, life_secs: u64) -> (&'static str, String) {
        let name = self.name(base);
        let secure = if is_secure(base) { "; Secure" } else { "" };
        let field =
            format!("{name}={value}; Max-Age={life_secs}; Path=/; HttpOnly; SameSite=Lax{secure}");
        ("Set-Cookie", field)
    }

    /// What `request` brings. One that is there twice was put there by somebody else too, and counts as none.
    fn of<'r>(self, base: &PublicBase, request: &'r OAuthRequest) -> Option<&'r [u8]> {
        let name = self.name(base).as_bytes();
        let cookies = request.cookie.as_ref()?.split(|&byte| byte == b';');
        let mut values = cookies.filter_map(|cookie| {
            let (found, value) = cookie.trim_ascii().split_at_checked(name.len())?;
            (found == name).then(|| value.strip_prefix(b"="))?
        });
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }
}

fn is_secure(base: &PublicBase) -> bool {
    base.origin().starts_with("https://")
}

/// The hash of the browser's secret, where it brings one.
pub(super) fn browser(base: &PublicBase, request: &OAuthRequest) -> Option<SecretHash> {
    let secret = Cookie::Login.of(base, request)?;
    is_random(secret).then(|| SecretHash::of(secret))
}

/// The same with the secret itself, so that it can be set anew.
pub(super) fn browser_secret(
    base: &PublicBase,
    request: &OAuthRequest,
) -> Option<(Zeroizing<String>, SecretHash)> {
    let hash = browser(base, request)?;
    let secret = std::str::from_utf8(Cookie::Login.of(base, request)?).ok()?;
    Some((Zeroizing::new(secret.to_owned()), hash))
}

/// The `Set-Cookie` that says that `user` of `realm` logged in with this browser. `None`: the system has no random bytes.
pub(super) fn remember_user(
    base: &PublicBase,
    sealer: &Sealer,
    (realm, user): (&str, &str),
    now_secs: u64,
) -> Option<(&'static str, String)> {
    let context: [&[u8]; 1] = [realm.as_bytes()];
    let ends_at_secs = now_secs + BROWSER_USER_SECS;
    let sealed = sealer.seal(
        Purpose::BrowserUser,
        &context,
        ends_at_secs,
        user.as_bytes(),
    );
    Some(Cookie::User.set(base, &sealed.ok()?))
}

/// The user of `realm` who logged in last with this browser.
pub(super) fn user(
    base: &PublicBase,
    sealer: &Sealer,
    realm: &str,
    request: &OAuthRequest,
    now_secs: u64,
) -> Option<String> {
    let sealed = Cookie::User.of(base, request)?;
    let opened = sealer.open(Purpose::BrowserUser, &[realm.as_bytes()], now_secs, sealed);
    String::from_utf8(opened.ok()?).ok()
}

/// Whether a form was sent from a page of ours, as far as the browser says so. Whoever says nothing is an old browser or none: the
/// form's ticket and the cookie decide alone then.
pub(super) fn is_own_page(base: &PublicBase, request: &OAuthRequest) -> bool {
    let origin = request.origin.as_deref();
    let site = request.fetch_site.as_deref();
    origin.is_none_or(|origin| origin.eq_ignore_ascii_case(base.origin().as_bytes()))
        && site.is_none_or(|site| site == b"same-origin")
}

#[cfg(test)]
#[path = "browser/tests.rs"]
mod tests;
