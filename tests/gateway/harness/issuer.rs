//! An issuer of signed tokens: mints them, and publishes its keys over HTTP as the test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use rustls::ServerConfig;

use super::PATIENCE;
use super::client::find;
use super::wire::Wire;

/// A key that signs, with its public half as it is published.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) private: EncodingKey,
    pub(crate) public: Value,
    /// The public half in PEM, which attackers take for a secret.
    pub(crate) public_pem: String,
}

impl Key {
    /// A new key for `algorithm`: `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`.
    pub(crate) fn new(kid: &str, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::ES256 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Algorithm::ES384 => rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Algorithm::EdDSA => rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519),
            _ => {
                rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
            }
        }
        .unwrap();
        let text = pair.serialize_pem();
        let private = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(text.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(text.as_bytes()),
            _ => EncodingKey::from_rsa_pem(text.as_bytes()),
        }
        .unwrap();
        let mut public = match algorithm {
            Algorithm::EdDSA => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
                json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x})
            }
            _ => {
                let jwk = Jwk::from_encoding_key(&private, algorithm).unwrap();
                serde_json::to_value(jwk).unwrap()
            }
        };
        public["kid"] = json!(kid);
        Self {
            kid: kid.to_owned(),
            algorithm,
            private,
            public,
            public_pem: pair.public_key_pem(),
        }
    }

    /// A token with this key's header.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "JWT"});
        self.sign_raw(&header.to_string(), &claims.to_string())
    }

    /// A token of exactly these two texts.
    pub(crate) fn sign_raw(&self, header: &str, claims: &str) -> String {
        signed(header, claims, &self.private, self.algorithm)
    }
}

/// A token of exactly these two texts, signed with `key`.
pub(crate) fn signed(
    header: &str,
    claims: &str,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> String {
    let message = unsigned(header, claims);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The first two parts of a token.
pub(crate) fn unsigned(header: &str, claims: &str) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}")
}

/// Seconds of Unix time.
pub(crate) fn now_secs() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// How the issuer's server answers.
#[derive(Clone)]
pub(crate) enum Publishing {
    /// The public keys.
    Keys,
    /// The same in chunks, as proxies in front of issuers send them.
    Chunks,
    /// This status and body.
    Other(u16, String),
    /// A redirect to this place.
    Redirect(String),
    /// Nothing until the state changes, or the client has left.
    Nothing,
}

struct State {
    keys: Vec<Key>,
    publishing: Publishing,
    fetches: usize,
}

/// A running issuer; its threads end with the test process.
pub(crate) struct Issuer {
    pub(crate) name: String,
    address: SocketAddr,
    is_secure: bool,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// Starts one with a single ES256 key called `first`, on a free port.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, Key::new("first", Algorithm::ES256))
    }

    /// Starts one with `key`.
    pub(crate) fn start_with(name: &str, key: Key) -> Self {
        Self::accepting(name, key, None)
    }

    /// Starts one with a single ES256 key called `first`, whose keys are under TLS.
    pub(crate) fn start_tls(name: &str, tls: Arc<ServerConfig>) -> Self {
        Self::accepting(name, Key::new("first", Algorithm::ES256), Some(tls))
    }

    fn accepting(name: &str, key: Key, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            keys: vec![key],
            publishing: Publishing::Keys,
            fetches: 0,
        }));
        let (shared, is_secure) = (Arc::clone(&state), tls.is_some());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let wire = match tls {
                        None => Ok(Wire::Plain(stream)),
                        Some(tls) => Wire::accept(stream, &tls),
                    };
                    wire.into_iter().for_each(|wire| publish(wire, &state));
                });
            }
        });
        Self {
            name: name.to_owned(),
            address,
            is_secure,
            state,
        }
    }

    /// Where its keys are.
    pub(crate) fn url(&self) -> String {
        match self.is_secure {
            true => format!("https://localhost:{}/jwks", self.address.port()),
            false => format!("http://{}/jwks", self.address),
        }
    }

    /// `[[auth.jwt]]` in `jwks` mode with further `keys`.
    pub(crate) fn section(&self, keys: &str) -> String {
        format!(
            "\n[[auth.jwt]]\nmode = \"jwks\"\njwks_url = \"{}\"\nissuer = \"{}\"\naudience = \"{AUDIENCE}\"\n{keys}\n",
            self.url(),
            self.name
        )
    }

    /// How often its keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.state.lock().unwrap().fetches
    }

    pub(crate) fn publish(&self, publishing: Publishing) {
        self.state.lock().unwrap().publishing = publishing;
    }

    /// Adds `key` in front: tokens are signed with it from now on.
    pub(crate) fn add(&self, key: Key) {
        self.state.lock().unwrap().keys.insert(0, key);
    }

    /// Takes away every key but the one that signs.
    pub(crate) fn retire_others(&self) {
        self.state.lock().unwrap().keys.truncate(1);
    }

    /// Takes away the key called `kid`.
    pub(crate) fn drop_key(&self, kid: &str) {
        self.state.lock().unwrap().keys.retain(|key| key.kid != kid);
    }

    /// The key that signs.
    pub(crate) fn key(&self) -> Key {
        self.state.lock().unwrap().keys[0].clone()
    }

    /// Good claims of `user` with `scope`, for five minutes.
    pub(crate) fn claims(&self, user: &str, scope: &str) -> Value {
        json!({
            "iss": self.name, "aud": AUDIENCE, "sub": user, "scope": scope,
            "iat": now_secs(), "exp": now_secs() + 300,
        })
    }

    /// A good token of `user` with `scope`.
    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.key().sign(&self.claims(user, scope))
    }

    /// A token with `claims` on top of good ones; `null` takes a claim away.
    pub(crate) fn token_with(&self, claims: Value) -> String {
        let mut all = self.claims("mallory", "tools:read");
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::Null => all.as_object_mut().unwrap().remove(name),
                value => all
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        self.key().sign(&all)
    }
}

/// The audience of the gateway under test.
pub(crate) const AUDIENCE: &str = "https://gateway.test/mcp";

fn publish(mut stream: Wire, state: &Mutex<State>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4 << 10];
    while find(&head, b"\r\n\r\n").is_none() {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    state.lock().unwrap().fetches += 1;
    let answer = loop {
        if let Some(answer) = answer_of(&state.lock().unwrap()) {
            break answer;
        }
        if has_left(stream.tcp()) {
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes());
    stream.shut(Shutdown::Both);
}

fn answer_of(state: &State) -> Option<String> {
    let (status, fields, body) = match &state.publishing {
        Publishing::Nothing => return None,
        Publishing::Other(status, body) => (*status, String::new(), body.clone()),
        Publishing::Redirect(place) => (302, format!("Location: {place}\r\n"), String::new()),
        Publishing::Keys => {
            let fields = "Content-Type: application/jwk-set+json\r\n";
            (200, fields.to_owned(), set_of(state))
        }
        Publishing::Chunks => return Some(in_chunks(&set_of(state))),
    };
    Some(format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\nConnection: close\r\n{fields}\r\n{body}",
        body.len()
    ))
}

fn set_of(state: &State) -> String {
    let keys: Vec<&Value> = state.keys.iter().map(|key| &key.public).collect();
    json!({ "keys": keys }).to_string()
}

fn in_chunks(body: &str) -> String {
    let chunks: String = (body.as_bytes().chunks(50))
        .map(|chunk| {
            format!(
                "{:x}\r\n{}\r\n",
                chunk.len(),
                str::from_utf8(chunk).unwrap()
            )
        })
        .collect();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n";
    format!("{head}Cache-Control: public, max-age=3600\r\n\r\n{chunks}0\r\n\r\n")
}

/// Waits a moment for the client to leave.
fn has_left(stream: &TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    match stream.peek(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
