//! The issuers whose tokens are taken.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Algorithm, KeySet, OwnTokens, ScopeMap, SourceId};
use crate::engine::limits::JWT_ISSUERS_MAX;
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// One `[auth.jwt]`, validated.
#[derive(Debug)]
pub struct JwtIssuer {
    /// The `iss` value, exactly. Unique.
    pub issuer: Box<str>,
    /// `aud` values of which a token must have one; at least one.
    pub audiences: Vec<Box<str>>,
    /// Algorithms that are taken, where a key leaves a choice.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// The claim that names the user.
    pub user_id_claim: Box<str>,
    /// The claim with the scopes: text with spaces, or an array.
    pub scopes_claim: Box<str>,
    /// What each scope allows.
    pub scopes: Arc<ScopeMap>,
    /// What every token of the issuer may use, and what none may (`allowed_tools`, `denied_tools`).
    pub grants: Arc<Grants>,
    /// The quota of each of its users, where they have one of their own.
    pub quota: Option<Quota>,
    /// How far clocks may differ, in seconds.
    pub leeway_secs: u64,
    /// Whether `typ` must be `at+jwt` (RFC 9068 §2.1).
    pub require_at_jwt: bool,
    /// Where it is the gateway itself: what its tokens mean. One alone is.
    pub own: Option<OwnTokens>,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The configuration: `mode = "simple"`.
    Fixed(Arc<KeySet>),
    /// A JWK Set that control fetches: `mode = "jwks"`.
    Jwks(SourceId),
}

/// Why a list of issuers is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtIssuersError {
    /// Two have the same `issuer`.
    SameIssuer {
        /// Index of the later one.
        index: usize,
    },
    /// `issuer` is empty or holds a space or a control character: two issuers and users could make one identity.
    BadIssuer {
        /// Index of the issuer.
        index: usize,
    },
    /// More than [`JWT_ISSUERS_MAX`].
    TooMany,
}

impl fmt::Display for JwtIssuersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameIssuer { index } => {
                write!(f, "auth.jwt[{index}].issuer is that of an earlier issuer")
            }
            Self::BadIssuer { index } => write!(
                f,
                "auth.jwt[{index}].issuer must be text without spaces and control characters"
            ),
            Self::TooMany => write!(
                f,
                "auth.jwt has too many issuers; limit is {JWT_ISSUERS_MAX}"
            ),
        }
    }
}

impl std::error::Error for JwtIssuersError {}

/// The issuers by their `iss`.
#[derive(Debug, Default)]
pub struct JwtIssuers {
    issuers: Vec<JwtIssuer>,
    places: FxHashMap<Box<str>, usize>,
}

impl JwtIssuers {
    /// Puts them together. Errors: every one that is refused.
    pub fn compile(issuers: Vec<JwtIssuer>) -> Result<Self, Vec<JwtIssuersError>> {
        if issuers.len() > JWT_ISSUERS_MAX {
            return Err(vec![JwtIssuersError::TooMany]);
        }
        let (mut places, mut errors) = (FxHashMap::default(), Vec::new());
        for (index, issuer) in issuers.iter().enumerate() {
            if !is_issuer(&issuer.issuer) {
                errors.push(JwtIssuersError::BadIssuer { index });
            }
            if places.insert(issuer.issuer.clone(), index).is_some() {
                errors.push(JwtIssuersError::SameIssuer { index });
            }
        }
        if errors.is_empty() {
            Ok(Self { issuers, places })
        } else {
            Err(errors)
        }
    }

    /// The issuer whose `iss` is exactly `issuer`.
    #[must_use]
    pub fn issuer_of(&self, issuer: &str) -> Option<&JwtIssuer> {
        self.issuers.get(*self.places.get(issuer)?)
    }

    /// The gateway itself, where it signs tokens. O(issuers).
    #[must_use]
    pub fn own(&self) -> Option<(&JwtIssuer, &OwnTokens)> {
        let mut issuers = self.issuers.iter();
        issuers.find_map(|issuer| Some((issuer, issuer.own.as_ref()?)))
    }

    /// Every issuer, in the order of the file.
    #[must_use]
    pub fn issuers(&self) -> &[JwtIssuer] {
        &self.issuers
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }
}

fn is_issuer(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == ' ' || c.is_control())
}
