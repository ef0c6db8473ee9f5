//! A Streamable HTTP server as `check-upstream` speaks to it.

use std::sync::Arc;
use std::time::Instant;

use guard_io::http1::Method;
use guard_io::tls::ClientTls;
use serde_json::{Value, json};

use super::{ANSWER_BYTES_MAX, Failed, Found, Peer, either, judge, legacy, modern};
use crate::control::http::{Answer, Client, ClientError, Endpoint};
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::mcp::sse::{Splitter, data_of};
use crate::engine::snapshot::{Server, UpstreamAddress};

/// Asks `server` in both eras.
pub(super) async fn both(server: &Server, tls: Option<&ClientTls>) -> Result<Found, Failed> {
    let started = Instant::now();
    let newer = match HttpPeer::connect(server, tls).await {
        Ok(mut peer) => modern(&mut peer, started).await,
        Err(failed) => Err(failed),
    };
    let started = Instant::now();
    let older = match HttpPeer::connect(server, tls).await {
        Ok(mut peer) => legacy(&mut peer, started).await,
        Err(failed) => Err(failed),
    };
    either(newer, older)
}

/// The upstream, asked over a new connection for each request: servers close theirs as they like.
struct HttpPeer<'a> {
    server: &'a Server,
    endpoint: Endpoint,
    client: Option<Client>,
    session: Option<String>,
    version: Option<String>,
    next_id: i64,
}

impl Peer for HttpPeer<'_> {
    async fn request(&mut self, era: Era, method: &str, params: Value) -> Result<Value, Failed> {
        let (session, version) = (self.session.clone(), self.version.clone());
        let fields = match era {
            Era::Modern => vec![
                ("MCP-Protocol-Version", Revision::R2026_07_28.as_str()),
                ("Mcp-Method", method),
            ],
            Era::Legacy => of_session(session.as_deref(), version.as_deref()),
        };
        self.send(method, params, fields).await
    }

    async fn notify(&mut self, method: &str) -> Result<(), Failed> {
        let body = json!({ "jsonrpc": "2.0", "method": method }).to_string();
        let (session, version) = (self.session.clone(), self.version.clone());
        let mut client = self.client().await?;
        let fields = self.fields(of_session(session.as_deref(), version.as_deref()))?;
        let answer = client
            .send(
                Method::Post,
                &self.server.upstream.target,
                &borrow(&fields),
                body.as_bytes(),
            )
            .await?;
        match answer.status {
            200..=299 => Ok(()),
            status => Err(Failed::Status(status)),
        }
    }

    fn negotiate(&mut self, version: &str) {
        self.version = Some(version.to_owned());
    }

    async fn end(&mut self) {
        let (session, version) = (self.session.take(), self.version.clone());
        if session.is_none() {
            return;
        }
        let Ok(fields) = self.fields(of_session(session.as_deref(), version.as_deref())) else {
            return;
        };
        if let Ok(mut client) = self.client().await {
            let target = &self.server.upstream.target;
            let _ = client
                .send(Method::Delete, target, &borrow(&fields), b"")
                .await;
        }
    }
}

impl<'a> HttpPeer<'a> {
    async fn connect(server: &'a Server, tls: Option<&ClientTls>) -> Result<Self, Failed> {
        let endpoint = match &server.upstream.address {
            UpstreamAddress::Http {
                host,
                port,
                is_secure: true,
            } => Endpoint::Tls {
                host: host.to_string(),
                port: *port,
                config: Arc::clone(tls.ok_or(Failed::NoCertificates)?.config()),
            },
            UpstreamAddress::Http { host, port, .. } => Endpoint::Tcp(host.to_string(), *port),
            UpstreamAddress::Unix { path } => Endpoint::Unix(path.clone()),
            UpstreamAddress::Child(_) => return Err(Failed::NotMcp("it is no HTTP server")),
        };
        let client = Some(Client::connect(&endpoint).await?);
        Ok(Self {
            server,
            endpoint,
            client,
            session: None,
            version: None,
            next_id: 1,
        })
    }

    async fn send(
        &mut self,
        method: &str,
        params: Value,
        fields: Vec<(&str, &str)>,
    ) -> Result<Value, Failed> {
        let id = self.next_id;
        self.next_id += 1;
        let body =
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let fields = self.fields(fields)?;
        let mut client = self.client().await?;
        let answer = client
            .send(
                Method::Post,
                &self.server.upstream.target,
                &borrow(&fields),
                body.as_bytes(),
            )
            .await?;
        if let Some(session) = answer.header("mcp-session-id") {
            self.session = String::from_utf8(session.to_vec()).ok();
        }
        result(answer, id).await
    }

    /// The connection made at first, then a new one for each request.
    async fn client(&mut self) -> Result<Client, Failed> {
        match self.client.take() {
            Some(client) => Ok(client),
            None => Ok(Client::connect(&self.endpoint).await?),
        }
    }

    /// What every request carries, what the operator adds, and `more`.
    fn fields(&self, more: Vec<(&str, &str)>) -> Result<Vec<(String, String)>, Failed> {
        let upstream = &self.server.upstream;
        let mut fields = vec![
            ("Host".to_owned(), upstream.host_header.to_string()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
            (
                "Accept".to_owned(),
                "application/json, text/event-stream".to_owned(),
            ),
        ];
        for header in &self.server.inject_headers {
            let bad = || Failed::Http(ClientError::BadField(header.name.to_string()));
            let value = String::from_utf8(header.value.to_vec()).map_err(|_| bad())?;
            fields.push((header.name.to_string(), value));
        }
        fields.extend(
            more.into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(fields)
    }
}

fn of_session<'a>(session: Option<&'a str>, version: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let fields = [
        ("Mcp-Session-Id", session),
        ("MCP-Protocol-Version", version),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn borrow(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The result of request `id`, out of a JSON body or an event stream.
async fn result(answer: Answer<'_>, id: i64) -> Result<Value, Failed> {
    let status = answer.status;
    if matches!(status, 401 | 403) {
        return Err(Failed::Credentials(status));
    }
    let is_stream = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with(b"text/event-stream"));
    let message = if is_stream {
        from_stream(answer, id).await?
    } else {
        let body = answer.body(ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| {
            if status == 200 {
                Failed::NotMcp("it is not JSON")
            } else {
                Failed::Status(status)
            }
        })?
    };
    judge(message, status, id)
}

/// Reads events until the one that answers request `id`.
async fn from_stream(mut answer: Answer<'_>, id: i64) -> Result<Value, Failed> {
    let (mut splitter, mut pending, mut fed) = (Splitter::new(), Vec::new(), 0);
    let mut joined = Vec::new();
    while let Some(piece) = answer.piece().await? {
        pending.extend_from_slice(&piece);
        while let Some(length) = splitter.feed(&pending[fed..]) {
            let event: Vec<u8> = pending.drain(..fed + length).collect();
            fed = 0;
            let message = data_of(&event, &mut joined)
                .and_then(|data| serde_json::from_slice::<Value>(data).ok());
            if let Some(message) = message.filter(|message| message["id"] == id) {
                return Ok(message);
            }
        }
        fed = pending.len();
        if pending.len() > ANSWER_BYTES_MAX {
            return Err(ClientError::TooLarge {
                bytes_max: ANSWER_BYTES_MAX,
            }
            .into());
        }
    }
    Err(Failed::NotMcp("its stream ends without an answer"))
}
