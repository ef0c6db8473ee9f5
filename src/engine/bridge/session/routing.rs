//! Which stream a message takes that is no response.
//!
//! A transport that tells on whose stream a message came is believed. Otherwise: progress follows its token, a cancellation
//! follows its request, and what concerns running work goes to the one stream that waits for responses, if there is exactly
//! one that can carry it. Everything else is for the standalone stream, where it waits until the client opens it.

use super::action::StreamId;
use super::machine::Session;
use super::stream::Stream;
use super::token::Key;
use crate::engine::mcp::methods::Method;

impl Session {
    pub(super) fn route_request(&self, during: Option<&[u8]>) -> StreamId {
        self.stream_during(during)
            .or_else(|| self.sole_stream())
            .unwrap_or(StreamId::STANDALONE)
    }

    pub(super) fn route_notification(
        &self,
        method: Method,
        progress_token: Option<&[u8]>,
        request_id: Option<&[u8]>,
        during: Option<&[u8]>,
    ) -> StreamId {
        let by_content = || match (method, progress_token, request_id) {
            (Method::Progress, Some(token), _) => {
                self.reachable(self.flights.stream_of_token(token))
            }
            (Method::Progress, None, _) => None,
            (Method::Cancelled, _, Some(request)) => {
                self.stream_of_asked(request).or_else(|| self.sole_stream())
            }
            (method, _, _) if concerns_everything(method) => None,
            _ => self.sole_stream(),
        };
        self.stream_during(during)
            .or_else(by_content)
            .unwrap_or(StreamId::STANDALONE)
    }

    fn stream_during(&self, during: Option<&[u8]>) -> Option<StreamId> {
        self.reachable(during.and_then(|id| self.flights.stream_of(id)))
    }

    /// The stream that a request of the server took, unless it is over.
    fn stream_of_asked(&self, request: &[u8]) -> Option<StreamId> {
        let key = Key::of(request);
        let asked = self.asked.iter().rev().find(|(asked, _)| *asked == key);
        self.reachable(asked.map(|(_, stream)| *stream))
    }

    /// The one stream that waits for responses and can carry other messages.
    fn sole_stream(&self) -> Option<StreamId> {
        let mut streams = self
            .flights
            .streams()
            .filter(|stream| self.reachable(Some(*stream)).is_some());
        let first = streams.next()?;
        streams.all(|stream| stream == first).then_some(first)
    }

    fn reachable(&self, stream: Option<StreamId>) -> Option<StreamId> {
        stream.filter(|id| self.streams.get(id).is_some_and(Stream::is_reachable))
    }
}

/// Whether a notification is of the server as a whole, whatever runs.
const fn concerns_everything(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsListChanged
            | Method::PromptsListChanged
            | Method::ResourcesListChanged
            | Method::ResourcesUpdated
            | Method::TasksStatus
    )
}
