//! Requests to endpoints of OAuth: which are served, from which pages, with which methods and content types.
//!
//! None needs a credential of the gateway's: an Authorization header here is a client's own, and control judges it.

use super::head::{Arrival, HeadAdmission, HeadRefusal, Verb};
use crate::engine::mcp::headers::is_content_type;
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::reply::Failure;
use crate::engine::route::{Endpoint, PublicBase, is_origin_of};
use crate::engine::snapshot::Snapshot;

/// The content type of forms, which browsers and clients send.
const FORM: &str = "application/x-www-form-urlencoded";

/// Decides whether `arrival` may go on to the endpoint `found`.
///
/// Errors: `NotFound` where it is not served; then, for the endpoint's clients, `ForeignOrigin`, `MethodNotAllowed`,
/// `ContentEncoding`, `FormExpected`, `ContentType`.
pub(super) fn admit_oauth<'a>(
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    found: Endpoint<'_>,
) -> Result<HeadAdmission<'a>, HeadRefusal> {
    let endpoint = served(snapshot, found).ok_or(Failure::NotFound)?;
    check_consent_origin(snapshot, arrival, endpoint)
        .and_then(|()| check_method(endpoint, arrival.verb))
        .and_then(|()| check_type(endpoint, arrival))
        .map_err(|failure| HeadRefusal::OAuth { endpoint, failure })?;
    Ok(HeadAdmission::OAuth(endpoint))
}

/// Judges an `origin` that is not among those allowed: pages of the gateway's own may post to its endpoints of OAuth, whatever
/// `server.allowed_origins` says of other pages. `null` is nobody's.
pub(super) fn check_other_origin(
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    origin: &[u8],
) -> Result<(), HeadRefusal> {
    let found = snapshot.routes().resolve(arrival.target).ok();
    match found.and_then(|found| served(snapshot, found)) {
        Some(_) if is_public(snapshot, origin) => Ok(()),
        Some(endpoint) => Err(HeadRefusal::OAuth {
            endpoint,
            failure: Failure::ForeignOrigin,
        }),
        None => Err(Failure::ForeignOrigin.into()),
    }
}

/// The endpoint that was `found`, where it is served.
///
/// Where the gateway has a path of its own in public, that follows the metadata's path (RFC 8414 §3.1); the proxy in front may
/// have taken it away, and clients of 2025-03-26 ask at the root.
fn served(snapshot: &Snapshot, found: Endpoint<'_>) -> Option<OAuthEndpoint> {
    let endpoint = match found {
        Endpoint::OAuth(endpoint) => endpoint,
        Endpoint::ServerMetadata { path } => {
            let base = snapshot.public_url.as_deref().and_then(PublicBase::parse);
            let is_own = path.is_empty() || base.is_some_and(|base| base.path() == path);
            is_own.then_some(OAuthEndpoint::ServerMetadata)?
        }
        _ => return None,
    };
    snapshot.oauth.serves(endpoint).then_some(endpoint)
}

/// The form of the consent page is sent by that page alone: pages of other origins may talk to the gateway, not consent for a user.
fn check_consent_origin(
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    endpoint: OAuthEndpoint,
) -> Result<(), Failure> {
    match (endpoint, arrival.digest.origin) {
        (OAuthEndpoint::Consent, Some(origin)) if !is_public(snapshot, origin.of(arrival.head)) => {
            Err(Failure::ForeignOrigin)
        }
        _ => Ok(()),
    }
}

fn is_public(snapshot: &Snapshot, origin: &[u8]) -> bool {
    let url = snapshot.public_url.as_deref();
    url.is_some_and(|url| is_origin_of(origin, url))
}

const fn check_method(endpoint: OAuthEndpoint, verb: Verb) -> Result<(), Failure> {
    let (allow, is_allowed) = match endpoint {
        OAuthEndpoint::Authorize | OAuthEndpoint::Callback => ("GET", matches!(verb, Verb::Get)),
        OAuthEndpoint::Jwks | OAuthEndpoint::ServerMetadata => {
            ("GET, HEAD", matches!(verb, Verb::Get | Verb::Head))
        }
        OAuthEndpoint::Consent
        | OAuthEndpoint::Token
        | OAuthEndpoint::Register
        | OAuthEndpoint::Revoke => ("POST", matches!(verb, Verb::Post)),
    };
    if is_allowed {
        Ok(())
    } else {
        Err(Failure::MethodNotAllowed { allow })
    }
}

fn check_type(endpoint: OAuthEndpoint, arrival: &Arrival<'_>) -> Result<(), Failure> {
    if arrival.verb != Verb::Post {
        return Ok(());
    }
    let content_type = arrival.digest.content_type;
    let is_form =
        || content_type.is_some_and(|value| is_content_type(value.of(arrival.head), FORM));
    match endpoint {
        _ if arrival.digest.is_encoded => Err(Failure::ContentEncoding),
        OAuthEndpoint::Register if arrival.digest.is_json => Ok(()),
        OAuthEndpoint::Register => Err(Failure::ContentType),
        _ if is_form() => Ok(()),
        _ => Err(Failure::FormExpected),
    }
}

#[cfg(test)]
#[path = "oauth/tests.rs"]
mod tests;
