//! Keys as issuers publish them (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::{Algorithm, BadKey, KeyMaterial, KeyType, Signatures};
use super::key_set::{JwksError, Key, fingerprint};
use crate::engine::limits::{
    JWKS_BYTES_MAX, JWKS_KEYS_MAX, KEY_ID_BYTES_MAX, RSA_BITS_MAX, RSA_BITS_MIN,
    RSA_EXPONENT_BYTES_MAX, TOKEN_DEPTH_MAX,
};
use crate::engine::mcp::json::{Reader, Syntax, members, string_at};
use crate::engine::span::Span;

/// The name of a key that is not used, where it has one, and why it is not.
pub(super) type Skipped = (Option<Box<str>>, &'static str);

/// Reads every key of the set `document`, in order; each that cannot be used with why.
pub(super) fn read_all(
    document: &[u8],
    allowed: &[Algorithm],
    signatures: &dyn Signatures,
) -> Result<Vec<Result<Key, Skipped>>, JwksError> {
    if document.len() > JWKS_BYTES_MAX {
        return Err(JwksError::TooLarge);
    }
    let text = str::from_utf8(document).map_err(|_| JwksError::NotJson)?;
    let keys = spans(text)?;
    let read = |key: Span| Jwk::read(text, key)?.prepare(allowed, signatures);
    Ok(keys.into_iter().map(read).collect())
}

/// Where the elements of `keys` are. The whole of `text` is read, so that everything after this may trust the grammar.
fn spans(text: &str) -> Result<Vec<Span>, JwksError> {
    let mut whole = Reader::strict(text, TOKEN_DEPTH_MAX);
    let set = whole.value().map_err(|_| JwksError::NotJson)?;
    whole.cursor.finish().map_err(|_| JwksError::NotJson)?;
    let mut keys = None;
    members(text, set, |name, value| {
        if name == "keys" {
            keys = Some(value);
        }
    })
    .map_err(|_| JwksError::NotASet)?;
    let keys = keys.ok_or(JwksError::NotASet)?;
    let mut reader = Reader::strict(&text[keys.range()], TOKEN_DEPTH_MAX);
    let mut found = Vec::new();
    let read = reader.array(|reader| {
        let element = reader.value()?;
        if found.len() <= JWKS_KEYS_MAX {
            found.push(element.shifted(keys.start()));
        }
        Ok::<_, Syntax>(())
    });
    read.map_err(|_| JwksError::NotASet)?;
    if found.len() > JWKS_KEYS_MAX {
        return Err(JwksError::TooManyKeys);
    }
    Ok(found)
}

/// The members of a key that matter, as written.
#[derive(Default)]
struct Jwk<'d> {
    kid: Option<Box<str>>,
    kty: Cow<'d, str>,
    alg: Option<Cow<'d, str>>,
    usage: Option<Cow<'d, str>>,
    /// Whether `key_ops` is missing or has `verify`.
    may_verify: bool,
    curve: Option<Cow<'d, str>>,
    n: Option<Cow<'d, str>>,
    e: Option<Cow<'d, str>>,
    x: Option<Cow<'d, str>>,
    y: Option<Cow<'d, str>>,
    is_private: bool,
}

impl<'d> Jwk<'d> {
    fn read(text: &'d str, at: Span) -> Result<Self, Skipped> {
        let mut key = Self {
            may_verify: true,
            ..Self::default()
        };
        let mut fault = None;
        let read = members(text, at, |name, value| {
            if let Err(reason) = key.member(text, name, value) {
                fault = fault.or(Some(reason));
            }
        });
        if read.is_err() {
            return Err((None, "key is no object"));
        }
        match fault {
            Some(reason) => Err((key.kid, reason)),
            None => Ok(key),
        }
    }

    fn member(&mut self, text: &'d str, name: &str, value: Span) -> Result<(), &'static str> {
        let word = || string_at(text, value).ok_or("a member is of the wrong type");
        match name {
            "kid" => self.kid = Some(key_id(word()?)?),
            "kty" => self.kty = word()?,
            "alg" => self.alg = Some(word()?),
            "use" => self.usage = Some(word()?),
            "key_ops" => self.may_verify = has_verify(&text[value.range()])?,
            "crv" => self.curve = Some(word()?),
            "n" => self.n = Some(word()?),
            "e" => self.e = Some(word()?),
            "x" => self.x = Some(word()?),
            "y" => self.y = Some(word()?),
            "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth" | "k" => self.is_private = true,
            _ => {}
        }
        Ok(())
    }

    fn prepare(self, allowed: &[Algorithm], signatures: &dyn Signatures) -> Result<Key, Skipped> {
        match self.usable(allowed, signatures) {
            Ok((fingerprint, verifiers)) => Ok(Key {
                kid: self.kid,
                fingerprint,
                verifiers,
            }),
            Err(reason) => Err((self.kid, reason)),
        }
    }

    fn usable(
        &self,
        allowed: &[Algorithm],
        signatures: &dyn Signatures,
    ) -> Result<Usable, &'static str> {
        if self.is_private {
            return Err("key is a secret or private key");
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("use is not sig");
        }
        if !self.may_verify {
            return Err("key_ops has no verify");
        }
        let key_type = self.key_type()?;
        let algorithms = self.algorithms(key_type, allowed)?;
        let material = self.material(key_type)?;
        let verifier = |algorithm: Algorithm| {
            let key = signatures.key(algorithm, material.borrowed());
            Ok::<_, &'static str>((algorithm, key.map_err(BadKey::as_str)?))
        };
        let verifiers = algorithms.into_iter().map(verifier);
        Ok((material.fingerprint(), verifiers.collect::<Result<_, _>>()?))
    }

    fn key_type(&self) -> Result<KeyType, &'static str> {
        match (&*self.kty, self.curve.as_deref()) {
            ("RSA", _) => Ok(KeyType::Rsa),
            ("EC", Some("P-256")) => Ok(KeyType::P256),
            ("EC", Some("P-384")) => Ok(KeyType::P384),
            ("EC", Some("P-521")) => Ok(KeyType::P521),
            ("OKP", Some("Ed25519")) => Ok(KeyType::Ed25519),
            ("EC" | "OKP", _) => Err("crv is none that is known"),
            _ => Err("kty is none that is known"),
        }
    }

    /// What the key may be used for: its `alg`, or whatever is allowed for its type.
    fn algorithms(
        &self,
        key_type: KeyType,
        allowed: &[Algorithm],
    ) -> Result<Vec<Algorithm>, &'static str> {
        let of_type = |algorithm: &&Algorithm| algorithm.key_type() == key_type;
        let named = |algorithm: &&Algorithm| {
            let alg = self.alg.as_deref();
            alg.is_none_or(|alg| alg == algorithm.as_str())
        };
        let fitting = Algorithm::ALL.iter().filter(of_type).filter(named);
        let fitting = fitting
            .copied()
            .filter(|algorithm| allowed.contains(algorithm));
        let algorithms: Vec<_> = fitting.collect();
        match (algorithms.is_empty(), &self.alg) {
            (false, _) => Ok(algorithms),
            (true, Some(_)) => Err("alg is not allowed, or not for keys of this type"),
            (true, None) => Err("no algorithm is allowed for keys of this type"),
        }
    }

    fn material(&self, key_type: KeyType) -> Result<Material, &'static str> {
        if key_type == KeyType::Rsa {
            return rsa(&unsigned(&self.n)?, &unsigned(&self.e)?);
        }
        let Some(length) = key_type.coordinate_bytes() else {
            return fixed(&self.x, 32).map(Material::Ed25519);
        };
        Ok(Material::Ec {
            x: fixed(&self.x, length)?,
            y: fixed(&self.y, length)?,
        })
    }
}

/// Digest of a key and what verifies with it.
type Usable = ([u8; 32], Vec<(Algorithm, Box<dyn super::VerifySignature>)>);

/// [`KeyMaterial`] that owns its bytes.
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { x: Vec<u8>, y: Vec<u8> },
    Ed25519(Vec<u8>),
}

impl Material {
    fn borrowed(&self) -> KeyMaterial<'_> {
        match self {
            Self::Rsa { n, e } => KeyMaterial::Rsa { n, e },
            Self::Ec { x, y } => KeyMaterial::Ec { x, y },
            Self::Ed25519(key) => KeyMaterial::Ed25519(key),
        }
    }

    fn fingerprint(&self) -> [u8; 32] {
        match self {
            Self::Rsa { n, e } => fingerprint("RSA", &[n, e]),
            Self::Ec { x, y } => fingerprint("EC", &[x, y]),
            Self::Ed25519(key) => fingerprint("OKP", &[key]),
        }
    }
}

fn key_id(kid: Cow<'_, str>) -> Result<Box<str>, &'static str> {
    if kid.len() > KEY_ID_BYTES_MAX {
        return Err("kid is too long");
    }
    Ok(kid.into())
}

/// Whether `json`, the value of `key_ops`, is an array with `verify`.
fn has_verify(json: &str) -> Result<bool, &'static str> {
    let mut found = false;
    let read = Reader::strict(json, TOKEN_DEPTH_MAX).array(|reader| {
        let element = reader.value()?;
        found |= string_at(json, element).as_deref() == Some("verify");
        Ok::<_, Syntax>(())
    });
    read.map(|_| found).map_err(|_| "key_ops is no array")
}

fn decoded(member: &Option<Cow<'_, str>>) -> Result<Vec<u8>, &'static str> {
    let text = member.as_deref().ok_or("a member is missing")?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| "a member is not base64url without padding")
}

/// An integer (Base64urlUInt), without the zeros that some issuers put in front.
fn unsigned(member: &Option<Cow<'_, str>>) -> Result<Vec<u8>, &'static str> {
    let bytes = decoded(member)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes[zeros..].to_vec())
}

fn fixed(member: &Option<Cow<'_, str>>, length: usize) -> Result<Vec<u8>, &'static str> {
    let bytes = decoded(member)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err("a coordinate is not of the curve's length")
    }
}

/// With an even modulus or exponent there is no key; with exponent 1 everybody can sign.
fn rsa(n: &[u8], e: &[u8]) -> Result<Material, &'static str> {
    let leading_zeros = n.first().map_or(0, |first| first.leading_zeros() as usize);
    let bits = n.len() * 8 - leading_zeros;
    let is_even = |number: &[u8]| number.last().is_none_or(|last| last % 2 == 0);
    match bits {
        ..RSA_BITS_MIN => Err(BadKey::TooShort.as_str()),
        RSA_BITS_MIN..=RSA_BITS_MAX if is_even(n) => Err(BadKey::Malformed.as_str()),
        RSA_BITS_MIN..=RSA_BITS_MAX => match e {
            [] | [1] => Err("RSA exponent is too small"),
            _ if is_even(e) => Err("RSA exponent is even"),
            _ if e.len() > RSA_EXPONENT_BYTES_MAX => Err("RSA exponent is too large"),
            _ => Ok(Material::Rsa {
                n: n.to_vec(),
                e: e.to_vec(),
            }),
        },
        _ => Err(BadKey::TooLong.as_str()),
    }
}
