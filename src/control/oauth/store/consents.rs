//! What users allowed clients.

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use super::StoreError;
use super::codec::ConsentRecord;
use super::due::Kind;
use super::tables::{Tables, bytes_at};
use crate::engine::limits::{
    OAUTH_CONSENT_SECS_MAX, OAUTH_CONSENTED_CLIENTS_PER_USER_MAX, OAUTH_CONSENTS_MAX,
    OAUTH_CONSENTS_PER_CLIENT_MAX,
};
use crate::engine::oauth::Consent;

impl Tables<'_> {
    /// Remembers `consent` of `user` to `client`.
    pub(super) fn remember(
        &mut self,
        user: &str,
        client: &str,
        consent: Consent,
    ) -> Result<(), StoreError> {
        let now_secs = consent.given_at_secs;
        let mut record = match self.consent_record(user, client)? {
            Some(record) => record,
            None => self.begin_consents(user, client, now_secs)?,
        };
        record.consents.retain(|old| !says_more(&consent, old));
        record.consents.push(consent);
        if record.consents.len() > OAUTH_CONSENTS_PER_CLIENT_MAX {
            record.consents.remove(0);
        }
        self.consents.insert((user, client), &*record.write())?;
        Ok(())
    }

    pub(super) fn sweep_consent(
        &mut self,
        key: &[u8],
        due_secs: u64,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        let Some((user, client)) = read_key(key) else {
            return Ok(());
        };
        let Some(mut record) = self.consent_record(user, client)? else {
            return Ok(());
        };
        if record.due_secs != due_secs {
            return Ok(());
        }
        let ends = |consent: &Consent| consent.given_at_secs.saturating_add(OAUTH_CONSENT_SECS_MAX);
        record.consents.retain(|consent| ends(consent) > now_secs);
        let Some(next) = record.consents.iter().map(ends).min() else {
            self.consents.remove((user, client))?;
            return Ok(());
        };
        record.due_secs = next;
        self.queue(next, Kind::Consent, key)?;
        self.consents.insert((user, client), &*record.write())?;
        Ok(())
    }

    fn consent_record(
        &self,
        user: &str,
        client: &str,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        let found = bytes_at(&self.consents, (user, client))?;
        found.map(|bytes| ConsentRecord::read(&bytes)).transpose()
    }

    /// An empty record, queued, with room made for it among those of `user`.
    fn begin_consents(
        &mut self,
        user: &str,
        client: &str,
        now_secs: u64,
    ) -> Result<ConsentRecord, StoreError> {
        let own = self.clients_allowed_by(user)?;
        if own.len() >= OAUTH_CONSENTED_CLIENTS_PER_USER_MAX {
            let oldest = own.into_iter().min_by_key(|(given_at, _)| *given_at);
            if let Some((_, client)) = oldest {
                self.forget_consents(user, &client)?;
            }
        }
        if self.consents.len()? >= OAUTH_CONSENTS_MAX {
            return Err(StoreError::Full("consents"));
        }
        let due_secs = now_secs.saturating_add(OAUTH_CONSENT_SECS_MAX);
        self.queue(due_secs, Kind::Consent, &key(user, client))?;
        Ok(ConsentRecord {
            consents: Vec::new(),
            due_secs,
        })
    }

    /// Each client that `user` allowed something, with when they last did.
    fn clients_allowed_by(&self, user: &str) -> Result<Vec<(u64, String)>, StoreError> {
        let mut found = Vec::new();
        for entry in self.consents.range((user, "")..)? {
            let (key, value) = entry?;
            let (owner, client) = key.value();
            if owner != user {
                break;
            }
            let record = ConsentRecord::read(value.value())?;
            let given_at = record.consents.iter().map(|consent| consent.given_at_secs);
            found.push((given_at.max().unwrap_or(0), client.to_owned()));
        }
        Ok(found)
    }

    fn forget_consents(&mut self, user: &str, client: &str) -> Result<(), StoreError> {
        if let Some(record) = self.consent_record(user, client)? {
            self.unqueue(record.due_secs, Kind::Consent, &key(user, client))?;
        }
        self.consents.remove((user, client))?;
        Ok(())
    }
}

/// Whether `new` allows all that `old` does, in the same place.
fn says_more(new: &Consent, old: &Consent) -> bool {
    new.redirect_uri == old.redirect_uri
        && new.audience == old.audience
        && old.scopes.iter().all(|scope| new.scopes.contains(scope))
}

/// Under what consents are queued: the length of the user's id, and both ids.
fn key(user: &str, client: &str) -> Vec<u8> {
    let length = u32::try_from(user.len()).unwrap_or(u32::MAX);
    [
        &length.to_be_bytes()[..],
        user.as_bytes(),
        client.as_bytes(),
    ]
    .concat()
}

fn read_key(key: &[u8]) -> Option<(&str, &str)> {
    let (length, ids) = key.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    str::from_utf8(ids).ok()?.split_at_checked(length)
}
