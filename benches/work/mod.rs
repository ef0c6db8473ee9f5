//! The work that both benches of the engine measure: one representative input a stage, and the stage as one call.
//!
//! The request is that of `perf`'s small `tools/call`: about 580 bytes, one bearer key, a policy of a few globs, quotas on.

mod tokens;

pub(crate) use tokens::{TakesAll, TokenGate};

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use guard_io::http1::{HeadIndex, HeadLimits, Progress, parse_request};
use mcp_guard::engine::audit::{Decision, EventType, Record};
use mcp_guard::engine::filter::{Visible, filter_message};
use mcp_guard::engine::identity::{
    ApiKey, ApiKeys, Authenticator, AuthenticatorParts, KeyHash, Principal, Proving,
};
use mcp_guard::engine::mcp::agreement::{Agreement, agree};
use mcp_guard::engine::mcp::headers::HeaderDigest;
use mcp_guard::engine::mcp::message::{Body, Subject as Asked};
use mcp_guard::engine::mcp::revision::Era;
use mcp_guard::engine::mcp::scan::{ScanLimits, scan};
use mcp_guard::engine::policy::{Action, Grants, Permit, Subject, ToolPattern, decide};
use mcp_guard::engine::quota::{HandleCache, Quota, QuotaPlan, QuotaTable, ToolLimit};
use mcp_guard::engine::snapshot::{
    Server, ServerIndex, ServerParts, Snapshot, SnapshotParts, Upstream, UpstreamAddress,
};

/// The key that the request presents.
const KEY: &str = "mcp_cGVyZi1oYXJuZXNzLWtleS1ub3QtYS1zZWNyZXQhISE";

/// A moment, in seconds of Unix time.
const NOW_SECS: u64 = 1_790_000_000;

/// The head of a call, ten fields.
pub(crate) fn head() -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nAuthorization: Bearer {KEY}\r\nMCP-Protocol-Version: 2025-06-18\r\n\
         User-Agent: sdk/1.12.0\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nX-Request-Id: 7f3a\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 224\r\n\r\n"
    )
    .into_bytes()
}

/// A call with `argument_bytes` of text in its arguments, one escape in each 64 bytes.
pub(crate) fn call(argument_bytes: usize) -> Vec<u8> {
    let line = r"a line of a document that somebody wants to have looked at, \n";
    let text = line.repeat(argument_bytes.div_ceil(line.len()));
    format!(
        r#"{{"jsonrpc":"2.0","id":100000000001,"method":"tools/call","params":{{"name":"bytes_320","arguments":{{"query":"open issues","limit":10,"text":"{text}"}}}}}}"#
    )
    .into_bytes()
}

/// The answer to `tools/list` with `count` tools of about 480 bytes, half of which the policy shows.
pub(crate) fn list(count: usize) -> Vec<u8> {
    let tool = |number: usize| {
        let verb = if number.is_multiple_of(2) {
            "read"
        } else {
            "write"
        };
        format!(
            r#"{{"name":"{verb}_{number:05}","title":"Tool {number}","description":"Looks up records by the query given, newest ones first, and then returns at most as many as the limit allows. Safe to call again and again.","inputSchema":{{"type":"object","properties":{{"query":{{"type":"string","description":"words to look for"}},"limit":{{"type":"integer","minimum":1,"maximum":100}},"cursor":{{"type":"string"}}}},"required":["query"],"additionalProperties":false}},"annotations":{{"readOnlyHint":true}}}}"#
        )
    };
    let tools: Vec<_> = (1..=count).map(tool).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{}]}}}}"#,
        tools.join(",")
    )
    .into_bytes()
}

/// Everything that a worker holds when a request comes.
pub(crate) struct Gate {
    snapshot: Snapshot,
    server: ServerIndex,
    principal: Principal,
    head: Vec<u8>,
    index: HeadIndex,
    digest: HeaderDigest,
    body: Vec<u8>,
    scanned: Body,
    table: QuotaTable,
    handles: HandleCache,
    record: Vec<u8>,
    now_ns: u64,
}

impl Gate {
    /// A gateway with `keys` API keys, the last of which the request presents.
    pub(crate) fn new(keys: usize) -> Self {
        let snapshot = snapshot(keys);
        let (head, body) = (head(), call(0));
        let mut index = HeadIndex::new();
        parse(&head, &mut index);
        let digest = HeaderDigest::read(&head, index.headers(&head)).expect("fixed head");
        let scanned = scan(&body, &ScanLimits::default()).expect("fixed body");
        let bearer = format!("Bearer {KEY}");
        let principal = snapshot
            .identity
            .authenticate(Some(bearer.as_bytes()), &Proving::bare(NOW_SECS));
        Self {
            server: ServerIndex::new(0).expect("first server"),
            principal: principal.expect("configured key"),
            snapshot,
            head,
            index,
            digest,
            body,
            scanned,
            table: QuotaTable::new(),
            handles: HandleCache::new(),
            record: Vec::with_capacity(4096),
            now_ns: 1,
        }
    }

    fn server(&self) -> &Server {
        self.snapshot.server(self.server)
    }

    /// Parses the request's head.
    pub(crate) fn parse_head(&mut self) -> Progress {
        parse(&self.head, &mut self.index)
    }

    /// Reads its fields.
    pub(crate) fn digest(&self) -> HeaderDigest {
        HeaderDigest::read(&self.head, self.index.headers(&self.head)).expect("fixed head")
    }

    /// Proves who is calling.
    pub(crate) fn authenticate(&self) -> Principal {
        let header = self.digest.authorization.map(|span| span.of(&self.head));
        let principal = self
            .snapshot
            .identity
            .authenticate(header, &Proving::bare(NOW_SECS));
        principal.expect("configured key")
    }

    /// Scans the body.
    pub(crate) fn scan(&self) -> Body {
        scan(&self.body, &ScanLimits::default()).expect("fixed body")
    }

    /// Checks headers against body.
    pub(crate) fn agree(&self) -> Agreement {
        agree(&self.digest, &self.head, &self.scanned, &self.body).expect("they agree")
    }

    /// Decides by policy.
    pub(crate) fn decide(&self) -> Permit {
        let action = match self.scanned.messages()[0].subject(&self.body) {
            Asked::Tool(name) => Action::Use(Subject::tool(name)),
            _ => unreachable!("the body calls a tool"),
        };
        decide(&self.principal, self.server(), action).expect("allowed tool")
    }

    /// Charges the quotas, a millisecond after the last time.
    pub(crate) fn charge(&mut self) {
        self.now_ns += 1_000_000;
        let (server, plan) = (
            &*self.snapshot.server(self.server).name,
            &self.snapshot.quotas,
        );
        let calls = [Some("bytes_320")];
        let verdict = self.handles.charge(
            &self.table,
            plan,
            &self.principal,
            server,
            &calls,
            self.now_ns,
        );
        let _ = black_box(verdict.expect("room in the table").expect("within quota"));
    }

    /// Encodes the audit record.
    pub(crate) fn encode_record(&mut self) -> usize {
        self.record.clear();
        let record = Record {
            request_id: Some(b"01J9Z3M4X5Y6Z7A8B9C0D1E2F3"),
            identity_id: Some(self.principal.identity().as_bytes()),
            auth_provider: Some(self.principal.provider().as_str()),
            peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            server: Some("main"),
            method: Some(b"tools/call"),
            tool: Some(b"bytes_320"),
            decision: Some(Decision::Allowed),
            rule: Some("allowed_tools[0] \"bytes_*\""),
            success: Some(true),
            status: Some(200),
            duration_us: Some(412),
            upstream_us: Some(305),
            request_bytes: Some(224),
            response_bytes: Some(320),
            ..Record::new(
                EventType::ToolCall,
                NOW_SECS * 1_000_000 + self.now_ns / 1000,
            )
        };
        record.encode(&mut self.record);
        self.record.len()
    }

    /// Every stage of one call in order, without sockets: what the engine adds to a request.
    pub(crate) fn whole_request(&mut self) -> usize {
        black_box(self.parse_head());
        self.digest = self.digest();
        self.principal = self.authenticate();
        self.scanned = self.scan();
        black_box(self.agree());
        let _ = black_box(self.decide());
        self.charge();
        self.encode_record()
    }

    /// Filters a list answer; returns the bytes that go on.
    pub(crate) fn filter(&self, list: &[u8], out: &mut Vec<u8>) -> usize {
        out.clear();
        let visible = Visible {
            principal: &self.principal,
            server: self.server(),
        };
        filter_message(list, Era::Legacy, &visible, out).expect("fixed list");
        out.len()
    }
}

/// Parses `head` whole.
pub(crate) fn parse(head: &[u8], index: &mut HeadIndex) -> Progress {
    parse_request(head, 0, &HeadLimits::default(), index).expect("fixed head")
}

fn snapshot(keys: usize) -> Snapshot {
    let upstream = Upstream {
        address: UpstreamAddress::Http {
            host: "127.0.0.1".into(),
            port: 4100,
            is_secure: false,
        },
        target: "/mcp".into(),
        host_header: "127.0.0.1:4100".into(),
        speech: mcp_guard::engine::snapshot::Speech::DEFAULT,
    };
    let quota = Quota::new(1_000_000.0, 1_000_000).expect("within bounds");
    let pattern = ToolPattern::parse("bytes_*").expect("valid pattern");
    let others =
        (1..keys).map(|number| api_key(&format!("other-{number}"), &format!("mcp_other-{number}")));
    let keys = others.chain([api_key("perf", KEY)]).collect();
    let keys = ApiKeys::compile(keys).expect("distinct keys");
    let parts = SnapshotParts {
        identity: Authenticator::new(AuthenticatorParts {
            keys,
            ..AuthenticatorParts::default()
        }),
        quotas: QuotaPlan::new(quota, vec![ToolLimit { pattern, quota }]),
        ..SnapshotParts::new(vec![ServerParts::new("main", upstream)])
    };
    Snapshot::new(parts).expect("one server has no conflict")
}

fn api_key(id: &str, key: &str) -> ApiKey {
    let allowed = entries(&["bytes_*", "sse_*", "hold", "read_*", "search_?"]);
    let grants = Grants::compile(&allowed, &entries(&["*_forbidden"]));
    ApiKey {
        id: id.to_owned(),
        key_hash: KeyHash::of(key.as_bytes()),
        grants: Arc::new(grants.expect("valid entries")),
        quota: None,
        expires_at_secs: None,
    }
}

fn entries(list: &[&str]) -> Vec<String> {
    list.iter().map(|&entry| entry.to_owned()).collect()
}
