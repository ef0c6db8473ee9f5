//! Counters of OAuth that control writes.

use super::Counter;
use super::labels::{ProviderCall, ProviderResult, VouchResult};

/// What control counts about providers and clients. It is the only writer.
#[derive(Debug, Default)]
pub struct OAuthCells {
    vouches: [Counter; VouchResult::ALL.len()],
    requests: [[Counter; ProviderResult::ALL.len()]; ProviderCall::ALL.len()],
}

impl OAuthCells {
    /// Counts one question about an opaque token.
    pub fn vouched(&self, result: VouchResult) {
        self.vouches[result.index()].inc();
    }

    /// Counts one request.
    pub fn requested(&self, call: ProviderCall, result: ProviderResult) {
        self.requests[call.index()][result.index()].inc();
    }

    /// Questions about opaque tokens that ended with `result`.
    #[must_use]
    pub fn vouches(&self, result: VouchResult) -> u64 {
        self.vouches[result.index()].value()
    }

    /// Requests of this kind that ended with `result`.
    #[must_use]
    pub fn requests(&self, call: ProviderCall, result: ProviderResult) -> u64 {
        self.requests[call.index()][result.index()].value()
    }
}
