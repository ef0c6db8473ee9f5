//! Grants and their refresh tokens.
//!
//! Of each grant one refresh token is good; those before it are remembered as spent until their own time is over, so that a
//! second use of any of them shows (RFC 9700 §4.14.2).

use redb::{ReadableTable, ReadableTableMetadata as _};

use super::codec::GrantRecord;
use super::due::Kind;
use super::tables::{Tables, bytes_at};
use super::{HeldGrant, RevokedGrant, Rotation, StoreError};
use crate::engine::limits::{
    OAUTH_ACCESS_TOKEN_SECS_MAX, OAUTH_GRANTS_MAX, OAUTH_GRANTS_PER_USER_MAX,
    OAUTH_REFRESHES_PER_GRANT_MAX, REVOKED_GRANTS_MAX,
};
use crate::engine::oauth::{Grant, GrantId, SecretHash};

/// Spent refresh tokens beyond their time that one rotation forgets: more than it adds.
const FORGOTTEN_PER_ROTATION: usize = 4;

/// Where a refresh token stands.
struct Place {
    grant: GrantId,
    place: u32,
    expires_at_secs: u64,
}

impl Tables<'_> {
    /// Begins `grant`.
    pub(super) fn begin(
        &mut self,
        grant: Grant,
        refresh: Option<(SecretHash, u64)>,
    ) -> Result<(), StoreError> {
        let id = grant.id;
        if self.revoked.get(&id.0)?.is_some() || self.grants.get(&id.0)?.is_some() {
            return Err(StoreError::Ended);
        }
        self.make_room_for_grant(&grant.user.id)?;
        let refresh = refresh.map(|(hash, until)| (hash, until.min(grant.expires_at_secs)));
        let until_secs = refresh.map_or(grant.expires_at_secs, |(_, until_secs)| until_secs);
        let record = GrantRecord {
            place: refresh.map(|_| 0),
            until_secs,
            vouched_at_secs: grant.created_at_secs,
            due_secs: until_secs,
            grant,
        };
        if let Some(refresh) = refresh {
            self.put_refresh(id, 0, refresh)?;
        }
        let grant = &record.grant;
        self.note_use(&grant.client_id, grant.created_at_secs)?;
        let age = (&*grant.user.id, grant.created_at_secs, &id.0);
        self.of_user.insert(age, ())?;
        self.queue(until_secs, Kind::Grant, &id.0)?;
        self.put_grant(&record)
    }

    /// Puts `next` in the place of `presented`.
    pub(super) fn rotate(
        &mut self,
        presented: SecretHash,
        next: (SecretHash, u64),
        provider_tokens: Option<Box<[u8]>>,
        now_secs: u64,
    ) -> Result<Rotation, StoreError> {
        let Some((at, mut record)) = held(&self.refresh, &self.grants, presented, now_secs)? else {
            return Ok(Rotation::Unknown);
        };
        if record.place != Some(at.place) {
            return Ok(Rotation::Reused(self.revoke(at.grant, now_secs)?));
        }
        let first = self.forget_spent(at.grant, now_secs)?.unwrap_or(at.place);
        let next_place = at.place.wrapping_add(1);
        if next_place.wrapping_sub(first) >= OAUTH_REFRESHES_PER_GRANT_MAX {
            self.end(&record)?;
            return Ok(Rotation::Unknown);
        }
        let (hash, until_secs) = next;
        record.until_secs = until_secs.min(record.grant.expires_at_secs);
        record.place = Some(next_place);
        if provider_tokens.is_some() {
            record.grant.provider_tokens = provider_tokens;
            record.vouched_at_secs = now_secs;
        }
        self.put_refresh(at.grant, next_place, (hash, record.until_secs))?;
        self.note_use(&record.grant.client_id, now_secs)?;
        self.put_grant(&record)?;
        Ok(Rotation::Rotated(Box::new(record.grant)))
    }

    /// Ends the grant called `id`, or sees to it that it never begins.
    pub(super) fn revoke(
        &mut self,
        id: GrantId,
        now_secs: u64,
    ) -> Result<RevokedGrant, StoreError> {
        let record = self.grant_record(id)?;
        let known = self.revoked.get(&id.0)?.map(|until| until.value());
        if let (None, Some(until_secs)) = (&record, known) {
            return Ok(RevokedGrant { id, until_secs });
        }
        let until_secs = match &record {
            // A person's own token lives as long as its grant; any other is an access token.
            Some(record) if record.place.is_none() => record.grant.expires_at_secs,
            _ => now_secs.saturating_add(OAUTH_ACCESS_TOKEN_SECS_MAX),
        };
        if let Some(record) = record {
            self.end(&record)?;
        }
        if self.revoked.len()? > REVOKED_GRANTS_MAX as u64 {
            self.make_room_for_revoked()?;
        }
        self.queue(until_secs, Kind::Revoked, &id.0)?;
        self.revoked.insert(&id.0, until_secs)?;
        Ok(RevokedGrant { id, until_secs })
    }

    pub(super) fn sweep_grant(&mut self, key: &[u8], now_secs: u64) -> Result<(), StoreError> {
        let Ok(id) = <[u8; 16]>::try_from(key).map(GrantId) else {
            return Ok(());
        };
        let Some(mut record) = self.grant_record(id)? else {
            return Ok(());
        };
        if record.until_secs <= now_secs {
            return self.end(&record);
        }
        record.due_secs = record.until_secs;
        self.queue(record.due_secs, Kind::Grant, key)?;
        self.put_grant(&record)
    }

    pub(super) fn sweep_revoked(&mut self, key: &[u8], now_secs: u64) -> Result<(), StoreError> {
        let Ok(id) = <&[u8; 16]>::try_from(key) else {
            return Ok(());
        };
        let until_secs = self.revoked.get(id)?.map(|until| until.value());
        if until_secs.is_some_and(|until_secs| until_secs <= now_secs) {
            self.revoked.remove(id)?;
        }
        Ok(())
    }

    fn grant_record(&self, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let found = bytes_at(&self.grants, &id.0)?;
        found.map(|bytes| GrantRecord::read(&bytes)).transpose()
    }

    fn put_grant(&mut self, record: &GrantRecord) -> Result<(), StoreError> {
        self.grants.insert(&record.grant.id.0, &*record.write())?;
        Ok(())
    }

    fn put_refresh(
        &mut self,
        grant: GrantId,
        place: u32,
        (hash, until_secs): (SecretHash, u64),
    ) -> Result<(), StoreError> {
        let value = (&grant.0, place, until_secs);
        self.refresh.insert(hash.as_bytes(), value)?;
        self.chain.insert((&grant.0, place), hash.as_bytes())?;
        Ok(())
    }

    /// Ends the oldest grants of `user` beyond the bound. Errors: there are too many of others.
    fn make_room_for_grant(&mut self, user: &str) -> Result<(), StoreError> {
        let mut own = Vec::new();
        for entry in self.of_user.range((user, 0, &[0; 16])..)? {
            let (key, ()) = (entry?.0, ());
            let (owner, _, id) = key.value();
            if owner != user {
                break;
            }
            own.push(GrantId(*id));
        }
        let surplus = (own.len() + 1).saturating_sub(OAUTH_GRANTS_PER_USER_MAX);
        for id in own.into_iter().take(surplus) {
            if let Some(record) = self.grant_record(id)? {
                self.end(&record)?;
            }
        }
        if self.grants.len()? >= OAUTH_GRANTS_MAX {
            return Err(StoreError::Full("grants"));
        }
        Ok(())
    }

    /// Removes a grant and all of its refresh tokens.
    fn end(&mut self, record: &GrantRecord) -> Result<(), StoreError> {
        let grant = &record.grant;
        let id = &grant.id.0;
        let hashes = self
            .chain
            .extract_from_if((id, 0)..=(id, u32::MAX), |_, _| true)?;
        for entry in hashes {
            let (_, hash) = entry?;
            self.refresh.remove(hash.value())?;
        }
        self.of_user
            .remove((&*grant.user.id, grant.created_at_secs, id))?;
        self.unqueue(record.due_secs, Kind::Grant, id)?;
        self.grants.remove(id)?;
        Ok(())
    }

    /// Forgets spent refresh tokens of `grant` beyond their time, and says where those that remain begin.
    fn forget_spent(&mut self, grant: GrantId, now_secs: u64) -> Result<Option<u32>, StoreError> {
        for _ in 0..FORGOTTEN_PER_ROTATION {
            let Some((place, hash)) = self.oldest_refresh(grant)? else {
                return Ok(None);
            };
            let expires_at = self.refresh.get(&hash)?.map_or(0, |found| found.value().2);
            if expires_at > now_secs {
                return Ok(Some(place));
            }
            self.refresh.remove(&hash)?;
            self.chain.remove((&grant.0, place))?;
        }
        Ok(self.oldest_refresh(grant)?.map(|(place, _)| place))
    }

    fn oldest_refresh(&self, grant: GrantId) -> Result<Option<(u32, [u8; 32])>, StoreError> {
        let of_grant = (&grant.0, 0)..=(&grant.0, u32::MAX);
        let Some(oldest) = self.chain.range(of_grant)?.next() else {
            return Ok(None);
        };
        let (key, hash) = oldest?;
        let (_, place) = key.value();
        Ok(Some((place, *hash.value())))
    }

    /// Forgets the revoked grant whose tokens end first. One more is kept than the workers take: whoever reads them all after a
    /// restart finds too many, and refuses every token from before (`RevokedGrants`), so that none of those forgotten is taken.
    fn make_room_for_revoked(&mut self) -> Result<(), StoreError> {
        let mut first: Option<(u64, [u8; 16])> = None;
        for entry in self.revoked.iter()? {
            let (id, until_secs) = entry?;
            let found = (until_secs.value(), *id.value());
            first = Some(first.map_or(found, |first| first.min(found)));
        }
        if let Some((until_secs, id)) = first {
            self.unqueue(until_secs, Kind::Revoked, &id)?;
            self.revoked.remove(&id)?;
        }
        Ok(())
    }
}

/// The grant that the refresh token with this hash belongs to, or once belonged to, where both still count.
fn held(
    refresh: &impl ReadableTable<&'static [u8; 32], (&'static [u8; 16], u32, u64)>,
    grants: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    hash: SecretHash,
    now_secs: u64,
) -> Result<Option<(Place, GrantRecord)>, StoreError> {
    let found = refresh.get(hash.as_bytes())?;
    let Some(at) = found.map(|found| Place::of(found.value())) else {
        return Ok(None);
    };
    let Some(bytes) = bytes_at(grants, &at.grant.0)? else {
        return Ok(None);
    };
    let record = GrantRecord::read(&bytes)?;
    let counts = at.expires_at_secs > now_secs && record.grant.expires_at_secs > now_secs;
    Ok(counts.then_some((at, record)))
}

impl Place {
    fn of((grant, place, expires_at_secs): (&[u8; 16], u32, u64)) -> Self {
        Self {
            grant: GrantId(*grant),
            place,
            expires_at_secs,
        }
    }
}

/// [`Store::grant_of`](super::Store::grant_of).
pub(super) fn grant_of(
    refresh: &impl ReadableTable<&'static [u8; 32], (&'static [u8; 16], u32, u64)>,
    grants: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    hash: SecretHash,
    now_secs: u64,
) -> Result<Option<HeldGrant>, StoreError> {
    let held = held(refresh, grants, hash, now_secs)?;
    Ok(held.map(|(at, record)| HeldGrant {
        is_spent: record.place != Some(at.place),
        vouched_at_secs: record.vouched_at_secs,
        grant: record.grant,
    }))
}

/// [`Store::revoked`](super::Store::revoked).
pub(super) fn revoked(
    revoked: &impl ReadableTable<&'static [u8; 16], u64>,
    now_secs: u64,
) -> Result<Vec<RevokedGrant>, StoreError> {
    let read =
        |entry: Result<(redb::AccessGuard<'_, &[u8; 16]>, redb::AccessGuard<'_, u64>), _>| {
            let (id, until_secs) = entry?;
            Ok(RevokedGrant {
                id: GrantId(*id.value()),
                until_secs: until_secs.value(),
            })
        };
    let all: Result<Vec<_>, StoreError> = revoked.iter()?.map(read).collect();
    let mut all = all?;
    all.retain(|grant| grant.until_secs > now_secs);
    Ok(all)
}
