//! Answers of endpoints of OAuth, as bytes.

use guard_io::Buffer;
use guard_io::http1::{BodyFraming, EncodeRefusal, HeadWriter};

use super::elsewhere;
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::reply::Failure;
use crate::engine::route::PublicBase;
use crate::worker::answer::Envelope;

const TEXT: &str = "text/plain; charset=utf-8";

/// What every answer says unless the reply itself does.
///
/// Referrer-Policy keeps codes and states in URLs from other origins. It is not `no-referrer`: under that, browsers send the form of
/// the consent page with `Origin: null`, which anybody's page could (Fetch, "append a request `Origin` header").
const DEFAULTS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Appends the head of a reply with a body of `body_bytes`. `false`: a field of it cannot be written, and `out` is as before.
pub(super) fn write_head(
    out: &mut Buffer,
    envelope: &Envelope,
    status: u16,
    fields: &[(&'static str, String)],
    body_bytes: usize,
) -> bool {
    let start = out.len();
    let bytes = out.as_mut_vec();
    let mut head = HeadWriter::response(bytes, status);
    let written = write_fields(&mut head, fields);
    envelope.write(&mut head);
    head.finish(BodyFraming::Length(body_bytes as u64));
    if written.is_err() {
        bytes.truncate(start);
    }
    written.is_ok()
}

fn write_fields(
    head: &mut HeadWriter<'_>,
    fields: &[(&'static str, String)],
) -> Result<(), EncodeRefusal> {
    for (name, value) in fields {
        head.field(name.as_bytes(), value.as_bytes())?;
    }
    for (name, value) in DEFAULTS {
        if !fields
            .iter()
            .any(|(written, _)| written.eq_ignore_ascii_case(name))
        {
            head.field(name.as_bytes(), value.as_bytes())?;
        }
    }
    Ok(())
}

/// Appends a whole answer to `failure`: an error of OAuth, or a line of text where people come; a page that leads
/// to the gateway at `base`, where a form was sent from another address. Returns the length of its body.
pub(super) fn write_refusal(
    out: &mut Buffer,
    envelope: &Envelope,
    endpoint: OAuthEndpoint,
    failure: &Failure,
    base: Option<&PublicBase>,
) -> usize {
    let page = base.filter(|_| is_from_elsewhere(endpoint, failure));
    let mut body = Vec::with_capacity(128);
    match (page, endpoint.is_for_people()) {
        (Some(base), _) => body.extend_from_slice(elsewhere::page(base).as_bytes()),
        (None, true) => failure.encode_text(&mut body),
        (None, false) => failure.encode_oauth(&mut body),
    }
    let text = if page.is_some() {
        elsewhere::HTML
    } else {
        TEXT
    };
    let mut fields = Vec::with_capacity(6);
    failure.each_header(None, |name, value| {
        let is_text = name == "content-type" && endpoint.is_for_people();
        fields.push((name, if is_text { text } else { value }.to_owned()));
    });
    if page.is_some() {
        fields.extend(elsewhere::FIELDS.map(|(name, value)| (name, value.to_owned())));
    }
    // Each field is a constant or a number.
    let _ = write_head(out, envelope, failure.status(), &fields, body.len());
    if !envelope.is_head {
        out.extend_from_slice(&body);
    }
    body.len()
}

fn is_from_elsewhere(endpoint: OAuthEndpoint, failure: &Failure) -> bool {
    endpoint == OAuthEndpoint::Consent && matches!(failure, Failure::ForeignOrigin)
}

#[cfg(test)]
#[path = "reply/tests.rs"]
mod tests;
