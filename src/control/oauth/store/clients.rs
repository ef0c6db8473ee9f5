//! Clients that registered themselves.

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use super::StoreError;
use super::codec::ClientRecord;
use super::due::Kind;
use super::tables::{Tables, bytes_at};
use crate::engine::limits::{
    OAUTH_CLIENT_IDLE_SECS_MAX, OAUTH_CLIENT_UNUSED_SECS_MAX, OAUTH_REGISTERED_CLIENTS_MAX,
};
use crate::engine::oauth::{Client, ClientOrigin};

/// Least time between two notes that a client is in use, in seconds: each is a write.
const USE_NOTED_SECS_MIN: u64 = 24 * 3_600;

impl Tables<'_> {
    /// Keeps `client`.
    pub(super) fn register(&mut self, client: Client, now_secs: u64) -> Result<(), StoreError> {
        if self.clients.len()? >= OAUTH_REGISTERED_CLIENTS_MAX {
            self.make_room_for_client()?;
        }
        let client = Client {
            origin: ClientOrigin::Registered { at_secs: now_secs },
            ..client
        };
        let record = ClientRecord {
            due_secs: now_secs.saturating_add(OAUTH_CLIENT_UNUSED_SECS_MAX),
            used_at_secs: None,
            client,
        };
        let id = &*record.client.id;
        self.unused.insert((now_secs, id), ())?;
        self.queue(record.due_secs, Kind::Client, id.as_bytes())?;
        self.clients.insert(id, &*record.write())?;
        Ok(())
    }

    /// Notes that somebody allowed the client called `id` something, where it is one that registered itself.
    pub(super) fn note_use(&mut self, id: &str, now_secs: u64) -> Result<(), StoreError> {
        let Some(mut record) = self.client_record(id)? else {
            return Ok(());
        };
        let noted_at = record.used_at_secs;
        if noted_at.is_some_and(|at| now_secs < at.saturating_add(USE_NOTED_SECS_MIN)) {
            return Ok(());
        }
        self.unused.remove((registered_at(&record.client), id))?;
        record.used_at_secs = Some(now_secs);
        self.clients.insert(id, &*record.write())?;
        Ok(())
    }

    pub(super) fn sweep_client(
        &mut self,
        key: &[u8],
        due_secs: u64,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        let Ok(id) = str::from_utf8(key) else {
            return Ok(());
        };
        let Some(mut record) = self.client_record(id)? else {
            return Ok(());
        };
        if record.due_secs != due_secs {
            return Ok(());
        }
        let ends_at = record.used_at_secs.map_or(record.due_secs, |used_at| {
            used_at.saturating_add(OAUTH_CLIENT_IDLE_SECS_MAX)
        });
        if ends_at <= now_secs {
            return self.forget_client(&record.client);
        }
        record.due_secs = ends_at;
        self.queue(ends_at, Kind::Client, key)?;
        self.clients.insert(id, &*record.write())?;
        Ok(())
    }

    fn client_record(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        let found = bytes_at(&self.clients, id)?;
        found.map(|bytes| ClientRecord::read(&bytes)).transpose()
    }

    /// Forgets the client that has been unused for longest.
    fn make_room_for_client(&mut self) -> Result<(), StoreError> {
        let oldest = self.unused.first()?.map(|(key, _)| {
            let (_, id) = key.value();
            id.to_owned()
        });
        let id = oldest.ok_or(StoreError::Full("clients"))?;
        let record = self.client_record(&id)?;
        let record = record.ok_or_else(|| StoreError::Broken("a client is missing".into()))?;
        self.unqueue(record.due_secs, Kind::Client, id.as_bytes())?;
        self.forget_client(&record.client)
    }

    fn forget_client(&mut self, client: &Client) -> Result<(), StoreError> {
        self.unused.remove((registered_at(client), &*client.id))?;
        self.clients.remove(&*client.id)?;
        Ok(())
    }
}

fn registered_at(client: &Client) -> u64 {
    match client.origin {
        ClientOrigin::Registered { at_secs } => at_secs,
        ClientOrigin::Configured | ClientOrigin::Document => 0,
    }
}
