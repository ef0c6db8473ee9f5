//! `params` and what of it decides.

use std::borrow::Cow;

use super::json::{Reader, Str};
use super::limits::{NAME_BYTES_MAX, SUBSCRIPTIONS_MAX, TOKEN_BYTES_MAX, URI_BYTES_MAX};
use super::lookalike::{Names, Reading, names};
use super::message::{Call, Meta, Params, Reference, Subscriptions, Text};
use super::methods::Judged;
use super::scan::read_id;
use super::scan_error::ScanErrorKind;
use crate::engine::span::Span;

names! {
    /// Members of `params` that decide, for one method or another.
    ParamsName {
        Name "name",
        Uri "uri",
        TaskId "taskId",
        Cursor "cursor",
        Reference "ref",
        Arguments "arguments",
        RequestId "requestId",
        ProgressToken "progressToken",
        ProtocolVersion "protocolVersion",
        Level "level",
        Task "task",
        RequestState "requestState",
        InputResponses "inputResponses",
        Notifications "notifications",
        Meta "_meta",
    }
}

names! {
    /// Members of `params._meta` that decide.
    MetaName {
        ProtocolVersion "io.modelcontextprotocol/protocolVersion",
        ClientCapabilities "io.modelcontextprotocol/clientCapabilities",
        ClientInfo "io.modelcontextprotocol/clientInfo",
        LogLevel "io.modelcontextprotocol/logLevel",
        ProgressToken "progressToken",
        Traceparent "traceparent",
        Tracestate "tracestate",
    }
}

names! {
    /// Members of `params.ref`.
    ReferenceName {
        Type "type",
        Name "name",
        Uri "uri",
    }
}

names! {
    /// Members of `params.notifications` that decide.
    SubscriptionsName {
        Resources "resourceSubscriptions",
        Tasks "taskIds",
    }
}

type Read<T> = Result<T, ScanErrorKind>;

/// Reads the value of `params` into `params`, in place: it is too large to be moved about.
pub(super) fn read(reader: &mut Reader<'_>, params: &mut Params) -> Read<()> {
    if reader.cursor.token()? != b'{' {
        reader.value()?;
        return Err(ScanErrorKind::ParamsInvalid);
    }
    let span = inspected(reader, |reader, name| read_param(reader, name, params))?;
    params.span = Some(span);
    Ok(())
}

/// Reads an object at an inspected level: `member` is called for the names that decide, the others are read over.
fn inspected<N: Names>(
    reader: &mut Reader<'_>,
    mut member: impl FnMut(&mut Reader<'_>, N) -> Read<()>,
) -> Read<Span> {
    reader.object(|reader, key: Str| match N::read(reader.text(), key) {
        Reading::Exact(name) => member(reader, name),
        Reading::Unknown => reader.value().map(drop).map_err(Into::into),
        Reading::LookAlike => Err(ScanErrorKind::LookAlikeMember),
    })
}

fn read_param(reader: &mut Reader<'_>, name: ParamsName, params: &mut Params) -> Read<()> {
    match name {
        ParamsName::Name => params.name = read_text(reader, "name", NAME_BYTES_MAX)?,
        ParamsName::Uri => params.uri = read_text(reader, "uri", URI_BYTES_MAX)?,
        ParamsName::TaskId => params.task_id = read_text(reader, "taskId", NAME_BYTES_MAX)?,
        ParamsName::Cursor => params.cursor = read_opaque(reader)?,
        ParamsName::Reference => params.reference = read_reference(reader)?,
        ParamsName::Arguments => params.arguments = Some(reader.value()?),
        ParamsName::RequestId => params.request_id = read_id(reader)?,
        ParamsName::ProgressToken => params.progress_token = read_id(reader)?,
        ParamsName::ProtocolVersion => {
            params.protocol_version = read_text(reader, "protocolVersion", TOKEN_BYTES_MAX)?;
        }
        ParamsName::Level => params.level = read_text(reader, "level", TOKEN_BYTES_MAX)?,
        ParamsName::Task => params.task = Some(reader.value()?),
        ParamsName::RequestState => params.request_state = read_opaque(reader)?,
        ParamsName::InputResponses => params.input_responses = Some(reader.value()?),
        ParamsName::Notifications => params.subscriptions = read_subscriptions(reader)?,
        ParamsName::Meta => read_meta(reader, &mut params.meta)?,
    }
    Ok(())
}

/// Reads a string that decides; `None` for any other value, which the method's check then refuses where it matters.
///
/// A control character is refused: a C string upstream ends at NUL, so the name judged would not be the name called.
pub(super) fn read_text(
    reader: &mut Reader<'_>,
    member: &'static str,
    max: usize,
) -> Read<Option<Text>> {
    if reader.cursor.token()? != b'"' {
        reader.value()?;
        return Ok(None);
    }
    let string = reader.cursor.string()?;
    let invalid = ScanErrorKind::ParamInvalid { member };
    let value = string.value(reader.text()).ok_or(invalid)?;
    if value.len() > max {
        return Err(ScanErrorKind::TooLong { member, max });
    }
    if !is_judgeable(&value) {
        return Err(invalid);
    }
    Ok(Some(match value {
        Cow::Borrowed(_) => Text::Raw(string.inner()),
        Cow::Owned(decoded) => Text::Decoded(decoded.into()),
    }))
}

/// Whether a name means the same to every upstream: no control characters. A filtered list holds its names to it as well.
pub(crate) fn is_judgeable(name: &str) -> bool {
    !name.bytes().any(|byte| byte.is_ascii_control())
}

fn read_opaque(reader: &mut Reader<'_>) -> Read<Option<Span>> {
    let is_string = reader.cursor.token()? == b'"';
    let span = reader.value()?;
    Ok(is_string.then_some(span))
}

/// Whether an object follows; any other value is read over.
fn is_object(reader: &mut Reader<'_>) -> Read<bool> {
    let found = reader.cursor.token()? == b'{';
    if !found {
        reader.value()?;
    }
    Ok(found)
}

fn read_meta(reader: &mut Reader<'_>, meta: &mut Meta) -> Read<()> {
    if reader.cursor.token()? == b'n' {
        return reader.value().map(drop).map_err(Into::into);
    }
    if !is_object(reader)? {
        return Err(ScanErrorKind::ParamInvalid { member: "_meta" });
    }
    let span = inspected(reader, |reader, name| read_meta_member(reader, name, meta))?;
    meta.span = Some(span);
    Ok(())
}

fn read_meta_member(reader: &mut Reader<'_>, name: MetaName, meta: &mut Meta) -> Read<()> {
    match name {
        MetaName::ProtocolVersion => {
            let member = "_meta protocolVersion";
            let version = read_text(reader, member, TOKEN_BYTES_MAX)?;
            meta.protocol_version = Some(version.ok_or(ScanErrorKind::ParamInvalid { member })?);
        }
        MetaName::ClientCapabilities => {
            let is_object = reader.cursor.token()? == b'{';
            meta.client_capabilities = Some(reader.value()?).filter(|_| is_object);
        }
        MetaName::ClientInfo => meta.client_info = Some(reader.value()?),
        MetaName::LogLevel => {
            meta.log_level = read_text(reader, "_meta logLevel", TOKEN_BYTES_MAX)?
        }
        MetaName::ProgressToken => meta.progress_token = read_id(reader)?,
        MetaName::Traceparent => {
            meta.traceparent = read_text(reader, "_meta traceparent", TOKEN_BYTES_MAX)?
        }
        MetaName::Tracestate => {
            meta.tracestate = read_text(reader, "_meta tracestate", TOKEN_BYTES_MAX)?
        }
    }
    Ok(())
}

/// Reads `ref`; `None` where it refers to nothing that can be judged.
fn read_reference(reader: &mut Reader<'_>) -> Read<Option<Reference>> {
    if !is_object(reader)? {
        return Ok(None);
    }
    let (mut kind, mut name, mut uri) = (None, None, None);
    inspected(reader, |reader, member| {
        match member {
            ReferenceName::Type => kind = read_text(reader, "ref type", TOKEN_BYTES_MAX)?,
            ReferenceName::Name => name = read_text(reader, "ref name", NAME_BYTES_MAX)?,
            ReferenceName::Uri => uri = read_text(reader, "ref uri", URI_BYTES_MAX)?,
        }
        Ok(())
    })?;
    let kind = kind
        .as_ref()
        .map(|kind| kind.as_bytes(reader.text().as_bytes()));
    Ok(match kind {
        Some(b"ref/prompt") => name.map(Reference::Prompt),
        Some(b"ref/resource") => uri.map(Reference::Resource),
        _ => None,
    })
}

fn read_subscriptions(reader: &mut Reader<'_>) -> Read<Option<Subscriptions>> {
    if !is_object(reader)? {
        return Ok(None);
    }
    let mut subscriptions = Subscriptions::default();
    inspected(reader, |reader, member| {
        match member {
            SubscriptionsName::Resources => {
                subscriptions.uris = read_texts(reader, "resourceSubscriptions", URI_BYTES_MAX)?;
            }
            SubscriptionsName::Tasks => {
                subscriptions.task_ids = read_texts(reader, "taskIds", NAME_BYTES_MAX)?
            }
        }
        Ok(())
    })?;
    Ok(Some(subscriptions))
}

/// Reads an array of strings that each decide. Anything else is refused: what is not read cannot be judged.
fn read_texts(reader: &mut Reader<'_>, member: &'static str, max: usize) -> Read<Vec<Text>> {
    let mut texts = Vec::new();
    if reader.cursor.token()? != b'[' {
        reader.value()?;
        return Err(ScanErrorKind::ParamInvalid { member });
    }
    reader.array(|reader| {
        if texts.len() >= SUBSCRIPTIONS_MAX {
            return Err(ScanErrorKind::TooLong {
                member,
                max: SUBSCRIPTIONS_MAX,
            });
        }
        texts.push(read_text(reader, member, max)?.ok_or(ScanErrorKind::ParamInvalid { member })?);
        Ok(())
    })?;
    Ok(texts)
}

/// Refuses a request whose method needs a member that is missing or has another type. A method that is gone needs none: that
/// it is gone is the answer.
pub(super) fn check(call: &Call) -> Read<()> {
    if call.is_gone() {
        return Ok(());
    }
    let params = &call.params;
    let (is_there, member) = match call.method.judged() {
        Judged::Never | Judged::ByMethod => return Ok(()),
        Judged::ByTool | Judged::ByPrompt => (params.name.is_some(), "name"),
        Judged::ByResource => (params.uri.is_some(), "uri"),
        Judged::ByTask => (params.task_id.is_some(), "taskId"),
        Judged::ByReference => (params.reference.is_some(), "ref"),
        Judged::BySubscriptions => (params.subscriptions.is_some(), "notifications"),
    };
    if is_there {
        Ok(())
    } else {
        Err(ScanErrorKind::ParamInvalid { member })
    }
}
