//! Authorization codes.

use redb::ReadableTableMetadata as _;

use super::codec::CodeRecord;
use super::due::Kind;
use super::tables::{Tables, bytes_at};
use super::{StoreError, TakenCode};
use crate::engine::limits::{OAUTH_CODES_MAX, OAUTH_TAKEN_CODE_SECS};
use crate::engine::oauth::{Code, SecretHash};

impl Tables<'_> {
    /// Keeps `code`.
    pub(super) fn put_code(&mut self, code: Code) -> Result<(), StoreError> {
        if self.codes.len()? >= OAUTH_CODES_MAX {
            return Err(StoreError::Full("codes"));
        }
        let (hash, due_secs) = (code.hash, code.expires_at_secs);
        self.queue(due_secs, Kind::Code, hash.as_bytes())?;
        let record = CodeRecord::Waiting(Box::new(code));
        self.codes.insert(hash.as_bytes(), &*record.write())?;
        Ok(())
    }

    /// Takes the code with this hash.
    pub(super) fn take_code(
        &mut self,
        hash: SecretHash,
        now_secs: u64,
    ) -> Result<TakenCode, StoreError> {
        let Some(bytes) = bytes_at(&self.codes, hash.as_bytes())? else {
            return Ok(TakenCode::Unknown);
        };
        match CodeRecord::read(hash, &bytes)? {
            CodeRecord::Waiting(code) if code.expires_at_secs <= now_secs => Ok(TakenCode::Unknown),
            CodeRecord::Waiting(code) => {
                let taken = CodeRecord::Taken {
                    grant: code.grant.id,
                    until_secs: code.expires_at_secs.saturating_add(OAUTH_TAKEN_CODE_SECS),
                };
                self.codes.insert(hash.as_bytes(), &*taken.write())?;
                Ok(TakenCode::Fresh(code))
            }
            CodeRecord::Taken { grant, .. } => {
                Ok(TakenCode::Replayed(self.revoke(grant, now_secs)?))
            }
        }
    }

    pub(super) fn sweep_code(&mut self, key: &[u8], now_secs: u64) -> Result<(), StoreError> {
        let Ok(key) = <&[u8; 32]>::try_from(key) else {
            return Ok(());
        };
        let Some(bytes) = bytes_at(&self.codes, key)? else {
            return Ok(());
        };
        let ends_at = match CodeRecord::read(SecretHash::from_bytes(*key), &bytes)? {
            CodeRecord::Waiting(code) => code.expires_at_secs,
            CodeRecord::Taken { until_secs, .. } => until_secs,
        };
        if ends_at <= now_secs {
            self.codes.remove(key)?;
            return Ok(());
        }
        self.queue(ends_at, Kind::Code, key)
    }
}
