//! What is to be looked at when. Each record is queued once, under the second that it carries; whoever moves its end leaves it
//! there, and the sweep queues it anew.

use redb::ReadableTable as _;

use super::StoreError;
use super::tables::Tables;
use crate::engine::limits::OAUTH_SWEEP_RECORDS_MAX;

/// What kind of record is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client = 1,
    Consent = 2,
    Code = 3,
    Grant = 4,
    Revoked = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let all = [
            Self::Client,
            Self::Consent,
            Self::Code,
            Self::Grant,
            Self::Revoked,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A record in the queue.
struct Due {
    secs: u64,
    kind: u8,
    key: Vec<u8>,
}

impl Tables<'_> {
    /// Queues the record of `kind` under `key` for the second `due_secs`.
    pub(super) fn queue(
        &mut self,
        due_secs: u64,
        kind: Kind,
        key: &[u8],
    ) -> Result<(), StoreError> {
        self.due.insert((due_secs, kind as u8, key), ())?;
        Ok(())
    }

    /// Takes a record out of the queue.
    pub(super) fn unqueue(
        &mut self,
        due_secs: u64,
        kind: Kind,
        key: &[u8],
    ) -> Result<(), StoreError> {
        self.due.remove((due_secs, kind as u8, key))?;
        Ok(())
    }

    /// Looks at what is due, [`OAUTH_SWEEP_RECORDS_MAX`] records at most, and removes what has ended.
    pub(super) fn sweep(&mut self, now_secs: u64) -> Result<(), StoreError> {
        for due in self.due_by(now_secs)? {
            self.due.remove((due.secs, due.kind, &*due.key))?;
            match Kind::of(due.kind) {
                Some(Kind::Client) => self.sweep_client(&due.key, due.secs, now_secs)?,
                Some(Kind::Consent) => self.sweep_consent(&due.key, due.secs, now_secs)?,
                Some(Kind::Code) => self.sweep_code(&due.key, now_secs)?,
                Some(Kind::Grant) => self.sweep_grant(&due.key, now_secs)?,
                Some(Kind::Revoked) => self.sweep_revoked(&due.key, now_secs)?,
                None => {}
            }
        }
        Ok(())
    }

    fn due_by(&self, now_secs: u64) -> Result<Vec<Due>, StoreError> {
        let until = (now_secs.saturating_add(1), 0, &[][..]);
        let found = self.due.range(..until)?.take(OAUTH_SWEEP_RECORDS_MAX);
        let read = |entry: Result<(redb::AccessGuard<'_, _>, _), _>| {
            let (entry, _) = entry?;
            let (secs, kind, key): (u64, u8, &[u8]) = entry.value();
            let key = key.to_vec();
            Ok(Due { secs, kind, key })
        };
        found.map(read).collect()
    }
}
