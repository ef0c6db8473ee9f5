//! Metadata documents of clients, fetched from where strangers say.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use guard_io::http1::Method;
use tokio::sync::Semaphore;

use super::ClientFault;
use super::quotas::Quotas;
use crate::config::model::{FetchUrl, OAuthServer};
use crate::control::freshness;
use crate::control::oauth::provider::{is_json, result_of};
use crate::control::oauth::recent::Recent;
use crate::control::outbound::{Authorities, Fetch, Fetched, OutboundFault, Policy};
use crate::engine::limits::{
    CLIENT_DOCUMENT_BYTES_MAX, CLIENT_DOCUMENT_LIFE_MS_MAX, CLIENT_DOCUMENT_LIFE_MS_MIN,
    CLIENT_DOCUMENT_MS_MAX, CLIENT_DOCUMENT_RETRY_MS, CLIENT_DOCUMENT_STALE_MS_MAX,
    CLIENT_DOCUMENTS_AT_ONCE_MAX, CLIENT_DOCUMENTS_MAX,
};
use crate::engine::oauth::{Client, DocumentUrl};
use crate::metrics::{OAuthCells, ProviderCall, ProviderResult};

/// Turns beyond which those that nobody waits for are looked for.
const TURNS_MAX: usize = 256;

/// Fetches documents, and remembers them.
#[derive(Debug)]
pub(super) struct Documents {
    trusted_hosts: Vec<String>,
    ca_path: Option<PathBuf>,
    authorities: Authorities,
    cells: Arc<OAuthCells>,
    known: Mutex<Known>,
    /// One for each request that may fetch, or wait for the fetch of another.
    room: Semaphore,
}

#[derive(Debug)]
struct Known {
    clients: Recent<DocumentUrl, Client>,
    faults: Recent<DocumentUrl, ClientFault>,
    /// Documents that are being fetched. Whoever wants one of them waits for its turn, and finds it known then.
    turns: HashMap<DocumentUrl, Arc<tokio::sync::Mutex<()>>>,
    quotas: Quotas,
}

impl Documents {
    pub(super) fn new(server: &OAuthServer, cells: Arc<OAuthCells>) -> Self {
        Self {
            trusted_hosts: server.trusted_client_hosts.clone(),
            ca_path: server.client_ca_path.clone(),
            authorities: Authorities::default(),
            cells,
            known: Mutex::new(Known {
                clients: Recent::new(CLIENT_DOCUMENTS_MAX),
                faults: Recent::new(CLIENT_DOCUMENTS_MAX),
                turns: HashMap::new(),
                quotas: Quotas::default(),
            }),
            room: Semaphore::new(CLIENT_DOCUMENTS_AT_ONCE_MAX),
        }
    }

    /// The client whose document is at `url`, for somebody at `peer`.
    ///
    /// Who only waits takes a place too: all of them are fewer than control serves at once, or the slow document of one stranger
    /// would stop every login. Where there is no place, or too much was fetched, clients that are known are still who they were.
    pub(super) async fn find(
        &self,
        url: &DocumentUrl,
        peer: IpAddr,
    ) -> Result<Client, ClientFault> {
        if let Some(known) = self.remembered(url) {
            return known;
        }
        let Ok(_place) = self.room.try_acquire() else {
            return self.stale(url);
        };
        let turn = self.turn(url);
        let held = turn.lock().await;
        let found = match self.remembered(url) {
            Some(known) => known,
            None => self.look_up(url, peer).await,
        };
        drop(held);
        self.end_turn(url, turn);
        found
    }

    /// The time of all that is known is over.
    #[cfg(test)]
    pub(super) fn end_all(&self) {
        let (mut known, now) = (self.lock(), Instant::now());
        known.clients.end_all(now);
        known.faults.end_all(now);
    }

    async fn look_up(&self, url: &DocumentUrl, peer: IpAddr) -> Result<Client, ClientFault> {
        let may_fetch = self.lock().quotas.spend(peer, Instant::now());
        if !may_fetch {
            return self.stale(url);
        }
        let (result, found) = self.fetch(url).await;
        self.cells.requested(ProviderCall::ClientDocument, result);
        let (now, mut known) = (Instant::now(), self.lock());
        match found {
            Ok((client, life)) => {
                known.clients.keep(url.clone(), client.clone(), now + life);
                Ok(client)
            }
            Err(why) => {
                let fault = ClientFault::Document(why);
                let end = now + Duration::from_millis(CLIENT_DOCUMENT_RETRY_MS);
                // Its own host has spoken, or is gone: what was known of it counts no more.
                known.clients.forget(url);
                known.faults.keep(url.clone(), fault.clone(), end);
                Err(fault)
            }
        }
    }

    async fn fetch(
        &self,
        url: &DocumentUrl,
    ) -> (ProviderResult, Result<(Client, Duration), String>) {
        match self.send(url).await {
            Err(fault) => (result_of(&fault), Err(fault.to_string())),
            Ok(fetched) => {
                let read = read(url, &fetched);
                let result = match (&read, fetched.status) {
                    (Ok(_), _) => ProviderResult::Ok,
                    (Err(_), 400..=499) => ProviderResult::Refused,
                    (Err(_), 500..) => ProviderResult::Down,
                    (Err(_), _) => ProviderResult::BadAnswer,
                };
                (result, read)
            }
        }
    }

    async fn send(&self, url: &DocumentUrl) -> Result<Fetched, OutboundFault> {
        let parsed = crate::config::parse_fetch(url.as_str()).filter(|url| url.is_secure);
        let Some(url) = parsed else {
            return Err(OutboundFault::Trust(
                "client_id is no URL that is fetched".into(),
            ));
        };
        let url = FetchUrl {
            ca_path: self.ca_path.clone(),
            ..url
        };
        let config = self
            .authorities
            .client("auth.oauth.server.client_ca_path", url.ca_path.as_deref())
            .await
            .map_err(OutboundFault::Trust)?;
        let fetch = Fetch {
            url: &url,
            method: Method::Get,
            fields: &[("Accept", "application/json")],
            body: b"",
            wanted: &["content-type", "cache-control", "age"],
            time_max: Duration::from_millis(CLIENT_DOCUMENT_MS_MAX),
            bytes_max: CLIENT_DOCUMENT_BYTES_MAX,
            policy: self.policy(&url.host),
        };
        fetch.send(Some(&config)).await
    }

    fn policy(&self, host: &str) -> Policy {
        let is_trusted = |trusted: &String| trusted.eq_ignore_ascii_case(host);
        match self.trusted_hosts.iter().any(is_trusted) {
            true => Policy::OperatorNamed,
            false => Policy::PublicOnly,
        }
    }

    fn remembered(&self, url: &DocumentUrl) -> Option<Result<Client, ClientFault>> {
        let (known, now) = (self.lock(), Instant::now());
        let client = known.clients.find(url, now).cloned().map(Ok);
        client.or_else(|| known.faults.find(url, now).cloned().map(Err))
    }

    /// What was known of the client not long ago, where its document cannot be asked for: strangers can see to that.
    fn stale(&self, url: &DocumentUrl) -> Result<Client, ClientFault> {
        let before =
            Instant::now().checked_sub(Duration::from_millis(CLIENT_DOCUMENT_STALE_MS_MAX));
        let known = self.lock();
        let client = before.and_then(|before| known.clients.find(url, before).cloned());
        client.ok_or(ClientFault::Unavailable)
    }

    fn turn(&self, url: &DocumentUrl) -> Arc<tokio::sync::Mutex<()>> {
        let mut known = self.lock();
        if known.turns.len() >= TURNS_MAX {
            // Whoever stopped waiting left theirs behind.
            known.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(known.turns.entry(url.clone()).or_default())
    }

    /// Forgets a turn that nobody else waits for.
    fn end_turn(&self, url: &DocumentUrl, turn: Arc<tokio::sync::Mutex<()>>) {
        let mut known = self.lock();
        drop(turn);
        if known
            .turns
            .get(url)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            known.turns.remove(url);
        }
    }

    /// No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(url: &DocumentUrl, fetched: &Fetched) -> Result<(Client, Duration), String> {
    if fetched.status != 200 {
        return Err(format!(
            "answer has status {}; 200 is needed",
            fetched.status
        ));
    }
    if !is_json(fetched.field("content-type")) {
        return Err("answer is not application/json".to_owned());
    }
    let client = Client::from_document(url, &fetched.body).map_err(|fault| fault.to_string())?;
    let own_life = freshness::remaining(fetched.field("cache-control"), fetched.field("age"));
    let [least, most] = [CLIENT_DOCUMENT_LIFE_MS_MIN, CLIENT_DOCUMENT_LIFE_MS_MAX];
    let life = own_life.unwrap_or_default();
    Ok((
        client,
        life.clamp(Duration::from_millis(least), Duration::from_millis(most)),
    ))
}
