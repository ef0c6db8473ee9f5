//! The work that is measured: what a request asks for, what its answer must be, how many clients ask at once.

use std::time::Duration;

use crate::failure::Failure;
use crate::load::{Expectation, Pace, Plan, Template};
use crate::net::Address;
use crate::peers::{Entry, Peer};
use crate::tls::ClientTls;

/// Time before counting begins.
const WARM_UP: Duration = Duration::from_millis(300);

/// Bytes of the small request, head and body, with one bearer key in the head.
const SMALL_REQUEST_BYTES: usize = 580;

/// Bytes of the small answer's body.
const SMALL_RESULT_BYTES: usize = 320;

/// What long arguments are cut from: lines with one escape each.
const LINE: &str = r"a line of a document that somebody wants to have looked at, \n";

/// Where requests go and with which headers.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// What to connect to.
    pub(crate) address: Address,
    /// The Host header.
    pub(crate) host: String,
    /// The request target.
    pub(crate) path: String,
    /// Whole header lines.
    pub(crate) headers: Vec<String>,
}

impl Endpoint {
    /// From `http://IP:PORT/path` and header lines.
    pub(crate) fn from_url(url: &str, headers: &[String]) -> Result<Self, Failure> {
        let refused = || Failure::Argument {
            what: "target (http://IP:PORT/path)",
            value: url.to_owned(),
        };
        let rest = url.strip_prefix("http://").ok_or_else(refused)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = host.parse().map_err(|_| refused())?;
        Ok(Self {
            address,
            host: host.to_owned(),
            path: format!("/{path}"),
            headers: headers.to_vec(),
        })
    }

    /// The same place, reached over TLS.
    pub(crate) fn over_tls(mut self, tls: &ClientTls) -> Self {
        if let Address::Tcp(address) = self.address {
            self.address = Address::Tls(address, tls.clone());
        }
        self
    }
}

/// What each request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// A call that returns JSON of `result_bytes`; the whole request is padded to `request_bytes`.
    Call {
        /// Length of the answer's body.
        result_bytes: usize,
        /// Length of the request, head and body; a request that is longer anyway stays as it is.
        request_bytes: usize,
    },
    /// The list of tools.
    List,
    /// A call that streams `events`, one each `every_ms` (0: all at once).
    Stream {
        /// Events in the stream.
        events: usize,
        /// Time between two.
        every_ms: u64,
    },
}

/// Which proxies take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    /// All of them, on the same work.
    Everyone,
    /// The gateway with one key and with ten thousand.
    Keys,
    /// The gateway with and without polling before it sleeps.
    Polling,
    /// nginx and the gateway, reached in this way, beside both with a key over HTTP.
    Entry(Entry),
}

impl Contest {
    /// The peer that others are divided by.
    pub(crate) fn baseline(self) -> Peer {
        match self {
            // nginx does not verify tokens: it compares one with a text.
            Self::Entry(entry) if entry.is_encrypted() => Peer::nginx(entry),
            _ => Peer::BASELINE,
        }
    }
}

/// One kind of work.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Its name on the command line and in results.
    pub(crate) name: &'static str,
    /// What it is, in half a line.
    pub(crate) about: &'static str,
    ask: Ask,
    connections: usize,
    connection_per_request: bool,
    pace: Pace,
    /// Tools that the fixture lists for it.
    pub(crate) tools: usize,
    /// Who takes part.
    pub(crate) contest: Contest,
}

const SMALL: Ask = Ask::Call {
    result_bytes: SMALL_RESULT_BYTES,
    request_bytes: SMALL_REQUEST_BYTES,
};

const BASE: Scenario = Scenario {
    name: "tools-call",
    about: "small tools/call, keep-alive",
    ask: SMALL,
    connections: 32,
    connection_per_request: false,
    pace: Pace::Closed,
    tools: 10,
    contest: Contest::Everyone,
};

/// Every scenario, in the order in which they are measured.
pub(crate) static ALL: &[Scenario] = &[
    BASE,
    Scenario {
        name: "tools-list-10",
        about: "tools/list of 10 tools, 4.8 KB, half of them shown",
        ask: Ask::List,
        ..BASE
    },
    Scenario {
        name: "tools-list-500",
        about: "tools/list of 500 tools, 239 KB, half of them shown",
        ask: Ask::List,
        connections: 8,
        tools: 500,
        ..BASE
    },
    Scenario {
        name: "request-64k",
        about: "tools/call with a 64 KB body",
        ask: Ask::Call {
            result_bytes: SMALL_RESULT_BYTES,
            request_bytes: 65_536,
        },
        connections: 16,
        ..BASE
    },
    Scenario {
        name: "result-64k",
        about: "tools/call with a 64 KB result",
        ask: Ask::Call {
            result_bytes: 65_536,
            request_bytes: SMALL_REQUEST_BYTES,
        },
        connections: 16,
        ..BASE
    },
    Scenario {
        name: "result-1m",
        about: "tools/call with a 1 MB result",
        ask: Ask::Call {
            result_bytes: 1 << 20,
            request_bytes: SMALL_REQUEST_BYTES,
        },
        connections: 4,
        ..BASE
    },
    Scenario {
        name: "sse-paced",
        about: "streams of 100 events, 1 ms apart; figures are for one event",
        ask: Ask::Stream {
            events: 100,
            every_ms: 1,
        },
        connections: 8,
        ..BASE
    },
    Scenario {
        name: "sse-burst",
        about: "streams of 100 events in one write; figures are for one event",
        ask: Ask::Stream {
            events: 100,
            every_ms: 0,
        },
        connections: 8,
        ..BASE
    },
    Scenario {
        name: "connection-per-request",
        about: "small tools/call, a new connection each",
        connection_per_request: true,
        connections: 16,
        ..BASE
    },
    Scenario {
        name: "latency-5000",
        about: "small tools/call, open loop at 5 000 a second",
        pace: Pace::Open { per_second: 5000.0 },
        ..BASE
    },
    Scenario {
        name: "api-keys",
        about: "small tools/call with 1 and with 10 000 keys",
        contest: Contest::Keys,
        ..BASE
    },
    Scenario {
        name: "unloaded",
        about: "small tools/call, one at a time, with and without polling",
        connections: 1,
        contest: Contest::Polling,
        ..BASE
    },
    Scenario {
        name: "tls",
        about: "small tools/call over TLS 1.3, keep-alive; ratios are to nginx over TLS",
        contest: Contest::Entry(Entry::Tls),
        ..BASE
    },
    Scenario {
        name: "tls-result-1m",
        about: "tools/call with a 1 MB result over TLS 1.3",
        ask: Ask::Call {
            result_bytes: 1 << 20,
            request_bytes: SMALL_REQUEST_BYTES,
        },
        connections: 4,
        contest: Contest::Entry(Entry::Tls),
        ..BASE
    },
    Scenario {
        name: "tls-connection-per-request",
        about: "small tools/call, a new TLS connection each, sessions resumed",
        connection_per_request: true,
        connections: 16,
        contest: Contest::Entry(Entry::Tls),
        ..BASE
    },
    Scenario {
        name: "mtls",
        about: "small tools/call over TLS 1.3 with a client certificate as the only credential",
        contest: Contest::Entry(Entry::Certificate),
        ..BASE
    },
    Scenario {
        name: "jwt-hit",
        about: "small tools/call with a signed token that was seen before; nginx compares a text",
        contest: Contest::Entry(Entry::Token),
        ..BASE
    },
];

impl Scenario {
    /// The scenario called `name`.
    pub(crate) fn named(name: &str) -> Result<&'static Self, Failure> {
        let found = ALL.iter().find(|scenario| scenario.name == name);
        found.ok_or_else(|| Failure::Argument {
            what: "scenario (see `load --list`)",
            value: name.to_owned(),
        })
    }

    /// The same work with a new connection for each request.
    pub(crate) fn with_connection_per_request(&self) -> Self {
        Self {
            connection_per_request: true,
            ..self.clone()
        }
    }

    /// The path at which the fixture gives this scenario's lists.
    pub(crate) fn upstream_path(&self) -> String {
        format!("/tools/{}", self.tools)
    }

    /// The load for it on `endpoint`, whose list answers must show `tools_shown` tools.
    pub(crate) fn plan(&self, endpoint: &Endpoint, tools_shown: usize, duration: Duration) -> Plan {
        let expectation = match self.ask {
            Ask::Call { result_bytes, .. } => Expectation::Result {
                bytes: result_bytes,
            },
            Ask::List => Expectation::Tools { count: tools_shown },
            Ask::Stream { events, .. } => Expectation::Events { count: events },
        };
        Plan {
            address: endpoint.address.clone(),
            template: self.ask.template(endpoint, self.connection_per_request),
            expectation,
            connections: self.connections,
            pace: self.pace,
            warm_up: WARM_UP,
            duration,
            process: None,
            units: match self.ask {
                Ask::Stream { events, .. } => events,
                Ask::Call { .. } | Ask::List => 1,
            },
        }
    }
}

impl Ask {
    fn template(self, endpoint: &Endpoint, close: bool) -> Template {
        let unpadded = Template::post(endpoint, close, &self.body(""));
        let Self::Call { request_bytes, .. } = self else {
            return unpadded;
        };
        // Counted twice, because Content-Length gains digits as the body grows.
        let once = padding(request_bytes.saturating_sub(unpadded.len()));
        let padded = Template::post(endpoint, close, &self.body(&once));
        let surplus = padded.len().saturating_sub(request_bytes).min(once.len());
        Template::post(endpoint, close, &self.body(&once[surplus..]))
    }

    fn body(self, pad: &str) -> String {
        match self {
            Self::Call { result_bytes, .. } => call(&format!("bytes_{result_bytes}"), pad),
            Self::List => r#"{"jsonrpc":"2.0","id":@id@,"method":"tools/list"}"#.to_owned(),
            Self::Stream {
                events,
                every_ms: 0,
            } => call(&format!("sse_{events}"), ""),
            Self::Stream { events, every_ms } => call(&format!("sse_{events}_{every_ms}ms"), ""),
        }
    }
}

fn call(tool: &str, pad: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":@id@,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"query":"open issues","limit":10,"text":"{pad}"}}}}}}"#
    )
}

/// `len` bytes of text, cut at the beginning: half an escape there leaves a plain `n`.
fn padding(len: usize) -> String {
    let text = LINE.repeat(len.div_ceil(LINE.len()));
    text[text.len() - len..].to_owned()
}

/// A call that opens a stream, gets one event and then nothing.
pub(crate) fn hold_template(endpoint: &Endpoint) -> Template {
    Template::post(endpoint, false, &call("hold", ""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::http::request::{Parsed, parse};

    #[test]
    fn calls_have_exactly_their_length_and_are_json() {
        let endpoint = Endpoint::from_url(
            "http://127.0.0.1:4000/mcp",
            &["Authorization: Bearer x".to_owned()],
        )
        .unwrap();
        for scenario in ALL {
            let plan = scenario.plan(&endpoint, 0, WARM_UP);
            if let Ask::Call { request_bytes, .. } = scenario.ask {
                assert_eq!(plan.template.len(), request_bytes, "{}", scenario.name);
            }
            let mut request = Vec::new();
            plan.template.number(0, &mut request);
            let Parsed::Complete(request) = parse(&request) else {
                panic!("{}", scenario.name)
            };
            serde_json::from_slice::<serde_json::Value>(request.body).unwrap();
        }
    }

    #[test]
    fn names_are_unique() {
        for scenario in ALL {
            assert!(std::ptr::eq(
                Scenario::named(scenario.name).unwrap(),
                scenario
            ));
        }
    }

    #[test]
    fn targets_name_an_address() {
        assert!(Endpoint::from_url("https://127.0.0.1:1/", &[]).is_err());
        assert!(Endpoint::from_url("http://example.org/", &[]).is_err());
        assert_eq!(
            Endpoint::from_url("http://127.0.0.1:1", &[]).unwrap().path,
            "/"
        );
    }
}
