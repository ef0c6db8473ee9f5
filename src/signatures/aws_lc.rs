//! Signatures by AWS-LC, the library that TLS uses as well.
//!
//! A key is parsed once, when its set is read. Verifying allocates nothing on our side.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};

use crate::engine::identity::jwt::{
    Algorithm, BadKey, KeyMaterial, KeyType, Signatures, VerifySignature,
};
use crate::engine::limits::{RSA_BITS_MAX, RSA_BITS_MIN};

/// AWS-LC, through `aws-lc-rs`.
#[derive(Debug)]
pub(super) struct AwsLc;

impl Signatures for AwsLc {
    fn key(
        &self,
        algorithm: Algorithm,
        material: KeyMaterial<'_>,
    ) -> Result<Box<dyn VerifySignature>, BadKey> {
        match material {
            KeyMaterial::Secret(secret) => secret_key(algorithm, secret),
            KeyMaterial::Rsa { n, e } => rsa_key(algorithm, n, e),
            KeyMaterial::Ec { x, y } => ec_key(algorithm, x, y),
            KeyMaterial::Ed25519(key) => ed25519_key(algorithm, key),
        }
    }
}

fn secret_key(algorithm: Algorithm, secret: &[u8]) -> Result<Box<dyn VerifySignature>, BadKey> {
    let digest = match algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return Err(BadKey::WrongType),
    };
    if secret.len() < algorithm.secret_bytes_min() {
        return Err(BadKey::TooShort);
    }
    Ok(Box::new(SecretKey(hmac::Key::new(digest, secret))))
}

fn rsa_key(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Box<dyn VerifySignature>, BadKey> {
    let parameters: &'static RsaParameters = match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return Err(BadKey::WrongType),
    };
    let (n, e) = (without_zeros(n), without_zeros(e));
    match bits(n) {
        ..RSA_BITS_MIN => return Err(BadKey::TooShort),
        RSA_BITS_MIN..=RSA_BITS_MAX => {}
        _ => return Err(BadKey::TooLong),
    }
    public_key(RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters))
}

fn ec_key(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Box<dyn VerifySignature>, BadKey> {
    let parameters = match algorithm {
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        _ => return Err(BadKey::WrongType),
    };
    let length = algorithm.key_type().coordinate_bytes();
    if length != Some(x.len()) || length != Some(y.len()) {
        return Err(BadKey::Malformed);
    }
    // An uncompressed point (SEC 1 §2.3.3).
    let point = [&[4], x, y].concat();
    public_key(ParsedPublicKey::new(parameters, point))
}

fn ed25519_key(algorithm: Algorithm, key: &[u8]) -> Result<Box<dyn VerifySignature>, BadKey> {
    if algorithm.key_type() != KeyType::Ed25519 {
        return Err(BadKey::WrongType);
    }
    if key.len() != signature::ED25519_PUBLIC_KEY_LEN {
        return Err(BadKey::Malformed);
    }
    public_key(ParsedPublicKey::new(&signature::ED25519, key))
}

fn public_key<E>(parsed: Result<ParsedPublicKey, E>) -> Result<Box<dyn VerifySignature>, BadKey> {
    let key = parsed.map_err(|_| BadKey::Malformed)?;
    Ok(Box::new(PublicKey(key)))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn bits(number: &[u8]) -> usize {
    let first = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - first as usize
}

/// Compares in constant time.
struct SecretKey(hmac::Key);

impl VerifySignature for SecretKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.0, message, signature).is_ok()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

struct PublicKey(ParsedPublicKey);

impl VerifySignature for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(..)")
    }
}
