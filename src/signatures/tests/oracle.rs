//! Against another library: whatever we take, it takes.

use jsonwebtoken::{DecodingKey, Validation};

use super::*;

const ROUNDS: usize = 6_000;
const SECRET: [u8; 32] = [7; 32];

/// Claims as they are: what becomes of a number that no float holds is nobody's business here.
type Unread = std::collections::HashMap<String, Box<serde_json::value::RawValue>>;

/// Numbers that are the same on every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Values that readers disagree about.
const VALUES: [&str; 26] = [
    "1e400",
    "null",
    "true",
    "0",
    "-0",
    "1.5",
    "\"\"",
    "[]",
    "{}",
    "\"i\"",
    "\"a\"",
    "[\"a\"]",
    "[\"a\",7]",
    "[[\"a\"]]",
    "\"\\u0061\"",
    "99999999999",
    "99999999999.5",
    "9e10",
    "\"99999999999\"",
    "18446744073709551616",
    "\"ann\"",
    "\"JWT\"",
    "\"HS256\"",
    "\"none\"",
    "[\"exp\"]",
    "\"\\ud800\"",
];

fn header(numbers: &mut Numbers) -> String {
    // The other library keeps unknown parameters, and cannot keep a number that no float holds.
    let values = &VALUES[1..];
    let further = match numbers.below(6) {
        0 => format!(r#","typ":{}"#, numbers.one(values)),
        1 => format!(r#","kid":{}"#, numbers.one(values)),
        2 => format!(
            r#","{}":{}"#,
            numbers.one(&["alg", "Alg", "crit", "b64"]),
            numbers.one(values)
        ),
        _ => String::new(),
    };
    format!(r#"{{"alg":"HS256"{further}}}"#)
}

fn payload(numbers: &mut Numbers) -> String {
    let mut claims = vec![
        ("iss", "\"i\""),
        ("aud", "\"a\""),
        ("exp", "99999999999"),
        ("nbf", "0"),
        ("sub", "\"ann\""),
    ];
    for _ in 0..numbers.below(3) {
        let place = numbers.below(claims.len());
        match numbers.below(4) {
            0 => drop(claims.remove(place)),
            1 => claims.push((claims[place].0, numbers.one(&VALUES))),
            2 => claims.push((
                numbers.one(&["Exp", "exp\\u0000", "e\\u0078p", "x"]),
                numbers.one(&VALUES),
            )),
            _ => claims[place].1 = numbers.one(&VALUES),
        }
    }
    let members = claims
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Bends one byte of `text`, now and then.
fn bent(numbers: &mut Numbers, text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    if numbers.below(8) == 0 {
        let place = numbers.below(bytes.len());
        bytes[place] = b"\"\\,:{}[]0e-. \n\xffa"[numbers.below(16)];
    }
    bytes
}

#[test]
fn whatever_is_taken_another_library_takes_too() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let (encoding, decoding) = (
        EncodingKey::from_secret(&SECRET),
        DecodingKey::from_secret(&SECRET),
    );
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_audience(&["a"]);
    validation.set_issuer(&["i"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let issuers = JwtIssuers::compile(vec![of_secret(&SECRET, &[Algorithm::Hs256])]).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let (header, payload) = (header(&mut numbers), payload(&mut numbers));
        let (header, payload) = (bent(&mut numbers, header), bent(&mut numbers, payload));
        let signed = format!("{}.{}", encode(&header), encode(&payload));
        let signature = signed_by_oracle(&encoding, Algorithm::Hs256, signed.as_bytes());
        let token = bent(&mut numbers, format!("{signed}.{}", encode(signature)));
        if issuers.check(&token, &Proving::bare(now)).is_err() {
            refused += 1;
            continue;
        }
        taken += 1;
        let by_oracle = jsonwebtoken::decode::<Unread>(&token, &decoding, &validation);
        assert!(
            by_oracle.is_ok(),
            "{by_oracle:?}: {} {}",
            String::from_utf8_lossy(&header),
            String::from_utf8_lossy(&payload)
        );
    }
    // Neither half is empty talk.
    assert!(
        taken > ROUNDS / 10 && refused > ROUNDS / 10,
        "{taken} {refused}"
    );
}
