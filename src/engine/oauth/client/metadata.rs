//! What a client says of itself, in a registration (RFC 7591 §2) or in a document of its own.

use std::borrow::Cow;
use std::fmt;

use super::RedirectUri;
use super::name::shown_name;
use crate::engine::limits::{
    OAUTH_CLIENT_METADATA_BYTES_MAX, OAUTH_CLIENT_NAME_CHARS_MAX, OAUTH_REDIRECT_URIS_MAX,
    OAUTH_SCOPE_BYTES_MAX,
};
use crate::engine::mcp::json::Syntax;
use crate::engine::oauth::fault::{OAuthCode, OAuthFault};
use crate::engine::oauth::json::{text_at, texts_at, values};
use crate::engine::oauth::redirect::RedirectFault;
use crate::engine::oauth::scope::is_scope_list;
use crate::engine::span::Span;

/// The members of a client's metadata that count.
#[derive(Debug)]
pub(super) struct Metadata<'t> {
    pub(super) redirect_uris: Vec<RedirectUri>,
    pub(super) name: Option<Box<str>>,
    /// `token_endpoint_auth_method` as it is written.
    pub(super) auth_method: Option<Cow<'t, str>>,
    pub(super) refreshes: bool,
    /// `client_id`, which a document must have.
    pub(super) client_id: Option<Cow<'t, str>>,
    /// Whether it has a secret in it, which a document must not.
    pub(super) holds_secret: bool,
}

/// Why a client's metadata is not taken. `Display` is for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// Larger than [`OAUTH_CLIENT_METADATA_BYTES_MAX`].
    TooLong,
    /// Not one JSON object that every reader takes for the same.
    NotJson,
    /// A member is of the wrong type.
    WrongType(&'static str),
    /// `redirect_uris` is missing, empty, or has more than [`OAUTH_REDIRECT_URIS_MAX`].
    RedirectUris,
    /// One of `redirect_uris` is none.
    RedirectUri {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        fault: RedirectFault,
    },
    /// `client_name` is longer than [`OAUTH_CLIENT_NAME_CHARS_MAX`], or missing where it is required.
    Name,
    /// `token_endpoint_auth_method` is none that is offered to such a client.
    AuthMethod,
    /// `grant_types` is without `authorization_code`.
    GrantTypes,
    /// `response_types` is without `code`.
    ResponseTypes,
    /// `scope` is no list of scopes.
    Scope,
    /// `client_id` of a document is not the URL that it was fetched from.
    ClientId,
    /// A document that everybody can read has a secret in it.
    HoldsSecret,
}

const _: () = assert!(
    OAUTH_REDIRECT_URIS_MAX == 10,
    "clients are told the bound in words"
);

impl MetadataFault {
    /// What the client is told (RFC 7591 §3.2.2).
    #[must_use]
    pub const fn fault(self) -> OAuthFault {
        let (code, description) = match self {
            Self::RedirectUris => (
                OAuthCode::InvalidRedirectUri,
                "redirect_uris must have one to ten entries",
            ),
            Self::RedirectUri { .. } => (
                OAuthCode::InvalidRedirectUri,
                "redirect_uris has an entry that is not allowed: https, http on loopback or the scheme of an application",
            ),
            Self::TooLong => (OAuthCode::InvalidClientMetadata, "metadata are too large"),
            Self::NotJson => (
                OAuthCode::InvalidClientMetadata,
                "metadata are not one JSON object with each member once",
            ),
            Self::WrongType(_) => (
                OAuthCode::InvalidClientMetadata,
                "a member of the metadata is of the wrong type",
            ),
            Self::Name => (
                OAuthCode::InvalidClientMetadata,
                "client_name is missing or too long",
            ),
            Self::AuthMethod => (
                OAuthCode::InvalidClientMetadata,
                "token_endpoint_auth_method is not offered",
            ),
            Self::GrantTypes => (
                OAuthCode::InvalidClientMetadata,
                "grant_types must include authorization_code",
            ),
            Self::ResponseTypes => (
                OAuthCode::InvalidClientMetadata,
                "response_types must include code",
            ),
            Self::Scope => (
                OAuthCode::InvalidClientMetadata,
                "scope is no list of scopes",
            ),
            Self::ClientId => (
                OAuthCode::InvalidClientMetadata,
                "client_id is not the URL of the document",
            ),
            Self::HoldsSecret => (
                OAuthCode::InvalidClientMetadata,
                "a public document must not hold a secret",
            ),
        };
        OAuthFault::new(code, description)
    }
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(
                f,
                "client metadata are too large; limit is {OAUTH_CLIENT_METADATA_BYTES_MAX} bytes"
            ),
            Self::WrongType(member) => write!(f, "client metadata: {member} is of the wrong type"),
            Self::RedirectUris => write!(
                f,
                "redirect_uris must have 1 to {OAUTH_REDIRECT_URIS_MAX} entries"
            ),
            Self::RedirectUri { index, fault } => write!(f, "redirect_uris[{index}]: {fault}"),
            Self::Name => write!(
                f,
                "client_name is missing or too long; limit is {OAUTH_CLIENT_NAME_CHARS_MAX} characters"
            ),
            other => f.write_str(other.fault().description),
        }
    }
}

impl std::error::Error for MetadataFault {}

impl From<Syntax> for MetadataFault {
    fn from(_: Syntax) -> Self {
        Self::NotJson
    }
}

impl<'t> Metadata<'t> {
    /// Reads `body`. Errors: each variant of [`MetadataFault`] save `ClientId`, `AuthMethod` and `HoldsSecret`, which depend on
    /// how the client came to be known.
    pub(super) fn parse(body: &'t [u8]) -> Result<Self, MetadataFault> {
        if body.len() > OAUTH_CLIENT_METADATA_BYTES_MAX {
            return Err(MetadataFault::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| MetadataFault::NotJson)?;
        let [
            redirects,
            name,
            method,
            grants,
            responses,
            scope,
            id,
            secret,
            secret_end,
        ] = values(
            text,
            [
                "redirect_uris",
                "client_name",
                "token_endpoint_auth_method",
                "grant_types",
                "response_types",
                "scope",
                "client_id",
                "client_secret",
                "client_secret_expires_at",
            ],
        )?;
        check_list(text, responses, "response_types", "code")?
            .then_some(())
            .ok_or(MetadataFault::ResponseTypes)?;
        check_scope(text, scope)?;
        Ok(Self {
            redirect_uris: redirect_uris(text, redirects)?,
            name: client_name(text, name)?,
            auth_method: optional_text(text, method, "token_endpoint_auth_method")?,
            refreshes: refreshes(text, grants)?,
            client_id: optional_text(text, id, "client_id")?,
            holds_secret: secret.is_some() || secret_end.is_some(),
        })
    }
}

fn optional_text<'t>(
    text: &'t str,
    value: Option<Span>,
    member: &'static str,
) -> Result<Option<Cow<'t, str>>, MetadataFault> {
    let read = |value| text_at(text, value).ok_or(MetadataFault::WrongType(member));
    value.map(read).transpose()
}

fn redirect_uris(text: &str, value: Option<Span>) -> Result<Vec<RedirectUri>, MetadataFault> {
    let value = value.ok_or(MetadataFault::RedirectUris)?;
    let texts = texts_at(text, value).ok_or(MetadataFault::WrongType("redirect_uris"))?;
    if !(1..=OAUTH_REDIRECT_URIS_MAX).contains(&texts.len()) {
        return Err(MetadataFault::RedirectUris);
    }
    let read = |(index, text): (usize, &Cow<'_, str>)| {
        RedirectUri::parse(text).map_err(|fault| MetadataFault::RedirectUri { index, fault })
    };
    texts.iter().enumerate().map(read).collect()
}

fn client_name(text: &str, value: Option<Span>) -> Result<Option<Box<str>>, MetadataFault> {
    let name = optional_text(text, value, "client_name")?;
    let name = name.unwrap_or_default();
    if name.chars().count() > OAUTH_CLIENT_NAME_CHARS_MAX {
        return Err(MetadataFault::Name);
    }
    Ok(shown_name(&name))
}

/// A client that names no grant types takes what it gets; one that names some without `refresh_token` gets none. Types that are not
/// offered are left out of what is registered (RFC 7591 §3.2.1): clients ask for all that they know.
fn refreshes(text: &str, value: Option<Span>) -> Result<bool, MetadataFault> {
    if !check_list(text, value, "grant_types", "authorization_code")? {
        return Err(MetadataFault::GrantTypes);
    }
    check_list(text, value, "grant_types", "refresh_token")
}

/// Whether `required` is in the list at `value`; an absent list leaves it to us.
fn check_list(
    text: &str,
    value: Option<Span>,
    member: &'static str,
    required: &str,
) -> Result<bool, MetadataFault> {
    let Some(value) = value else { return Ok(true) };
    let texts = texts_at(text, value).ok_or(MetadataFault::WrongType(member))?;
    Ok(texts.iter().any(|text| text == required))
}

/// Which scopes a client may have is decided when it asks for them; here, that these are some.
fn check_scope(text: &str, value: Option<Span>) -> Result<(), MetadataFault> {
    let scope = optional_text(text, value, "scope")?.unwrap_or_default();
    if scope.len() <= OAUTH_SCOPE_BYTES_MAX && is_scope_list(&scope) {
        Ok(())
    } else {
        Err(MetadataFault::Scope)
    }
}
