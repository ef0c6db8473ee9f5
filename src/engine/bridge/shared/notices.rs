//! Whose a notification of the server is.

use super::channel::{Channel, number_of};
use super::listen::is_event;
use super::outcome::{Delivery, EVENT_BYTES_MAX, End, Ignored, Received, RequestKey, deliver};
use super::server_message::{Notice, SUBSCRIPTION_ID, is_object_at};
use super::splice::Splice;
use crate::engine::mcp::methods::Method;

impl Channel {
    pub(super) fn notice(&mut self, message: &[u8], notice: &Notice, now_secs: u64) -> Received {
        self.tools_changed |= notice.method == Method::ToolsListChanged;
        if let Some(subscription) = notice.subscription_id {
            return self.for_subscription(message, notice, subscription.of(message));
        }
        match notice.method {
            Method::Progress => self.progress(message, notice),
            Method::LogMessage => self.log(message, now_secs),
            Method::Cancelled => self.closed(message, notice),
            method if is_event(method) => self.event(message, notice),
            _ => Received::Ignore(Ignored::Ambiguous),
        }
    }

    fn progress(&self, message: &[u8], notice: &Notice) -> Received {
        let found = notice
            .progress_token
            .and_then(|token| Some((token, number_of(token.of(message))?)));
        let Some((token, number)) = found else {
            return Received::Ignore(Ignored::Foreign);
        };
        let Some(request) = self.requests.get(&number) else {
            return Received::Ignore(self.unknown(number));
        };
        match &request.progress_token {
            Some(asked) if request.listen.is_none() => {
                let mut splice = Splice::default();
                splice.replace(token, &**asked);
                deliver(number, splice.apply(message), End::Lossy)
            }
            _ => Received::Ignore(Ignored::Unasked),
        }
    }

    /// A log message names no request, so it is sure whose it is only where one alone asked for them, and nobody else has any
    /// at work: a server may log for those that did not ask, and for those that were cancelled.
    fn log(&self, message: &[u8], now_secs: u64) -> Received {
        let mut asked = self
            .requests
            .iter()
            .filter(|(_, request)| request.wants_logs);
        let (number, request) = match (asked.next(), asked.next()) {
            (Some(sole), None) => sole,
            (None, _) => return Received::Ignore(Ignored::Unasked),
            (Some(_), Some(_)) => return Received::Ignore(Ignored::Ambiguous),
        };
        let owner = request.owner;
        let mut requests = self.requests.values();
        let is_foreign =
            |other: &super::channel::Request| other.owner != owner && other.listen.is_none();
        if requests.any(is_foreign) || self.ghosts.are_of_others(owner, now_secs) {
            return Received::Ignore(Ignored::Ambiguous);
        }
        deliver(*number, message.to_vec(), End::Lossy)
    }

    /// The server ends a subscription.
    fn closed(&mut self, message: &[u8], notice: &Notice) -> Received {
        let found = notice
            .request_id
            .and_then(|id| Some((id, number_of(id.of(message))?)));
        let Some((id, number)) = found else {
            return Received::Ignore(Ignored::Foreign);
        };
        let unknown = self.unknown(number);
        match self.requests.get(&number) {
            None => Received::Ignore(unknown),
            Some(request) if request.listen.is_none() => Received::Ignore(Ignored::Unasked),
            Some(request) => {
                let mut splice = Splice::default();
                splice.replace(id, &*request.id);
                let tag = notice
                    .subscription_id
                    .filter(|tag| number_of(tag.of(message)) == Some(number));
                if let Some(tag) = tag {
                    splice.replace(tag, &*request.id);
                }
                self.close(number);
                deliver(number, splice.apply(message), End::Last)
            }
        }
    }

    fn for_subscription(
        &mut self,
        message: &[u8],
        notice: &Notice,
        subscription: &[u8],
    ) -> Received {
        if notice.method == Method::Cancelled {
            return self.closed(message, notice);
        }
        let Some(number) = number_of(subscription) else {
            return Received::Ignore(Ignored::Foreign);
        };
        let unknown = self.unknown(number);
        let Some(request) = self.requests.get_mut(&number) else {
            return Received::Ignore(unknown);
        };
        let Some(listen) = &mut request.listen else {
            return Received::Ignore(Ignored::Unasked);
        };
        listen.is_acknowledged |= notice.method == Method::SubscriptionsAcknowledged;
        if !listen.is_acknowledged {
            return Received::Ignore(Ignored::BeforeAcknowledgement);
        }
        if !listen.allows(notice.method) {
            return Received::Ignore(Ignored::Unasked);
        }
        deliver(number, tagged(message, notice, &request.id), End::More)
    }

    /// A change that the server tells of without saying to whom: everybody who asked for it hears it once.
    fn event(&self, message: &[u8], notice: &Notice) -> Received {
        if message.len() > EVENT_BYTES_MAX {
            return Received::Ignore(Ignored::TooLarge);
        }
        let mut numbers: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, request)| request.hears(notice))
            .map(|(number, _)| *number)
            .collect();
        numbers.sort_unstable();
        if numbers.is_empty() {
            return Received::Ignore(Ignored::Unasked);
        }
        let deliveries = numbers.into_iter().map(|number| Delivery {
            key: RequestKey(number),
            message: tagged(message, notice, &self.requests[&number].id),
            is_last: false,
            is_lossy: false,
        });
        Received::Deliver(deliveries.collect())
    }
}

/// `message` with the client's subscription id in its `_meta`, whatever was there.
fn tagged(message: &[u8], notice: &Notice, id: &[u8]) -> Vec<u8> {
    let mut splice = Splice::default();
    let member = [b"\"", SUBSCRIPTION_ID.as_bytes(), b"\":", id].concat();
    let meta = [b"\"_meta\":{", member.as_slice(), b"}"].concat();
    match (notice.subscription_id, notice.meta, notice.params) {
        (Some(found), ..) => splice.replace(found, id),
        (None, Some(found), _) if is_object_at(message, found) => {
            splice.insert_member(message, found, &member);
        }
        (None, Some(found), _) => {
            splice.replace(found, [b"{", member.as_slice(), b"}"].concat());
        }
        (None, None, Some(params)) if is_object_at(message, params) => {
            splice.insert_member(message, params, &meta);
        }
        (None, None, Some(params)) => {
            splice.replace(params, [b"{", meta.as_slice(), b"}"].concat());
        }
        (None, None, None) => {
            let params = [b"\"params\":{", meta.as_slice(), b"}"].concat();
            splice.insert_member(message, notice.message, &params);
        }
    }
    splice.apply(message)
}
