//! Signature algorithms, and the seam to the library that verifies them.

use std::fmt;

use crate::engine::limits::JWT_SECRET_BYTES_MIN;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037). `none` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    Rs512,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// RSA-PSS with SHA-384.
    Ps384,
    /// RSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 13] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The `alg` value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm called `name`, exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }

    /// The type of its keys (RFC 7518 §6.1), with the curve where that is part of the type.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => KeyType::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 => KeyType::Rsa,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyType::Rsa,
            Self::Es256 => KeyType::P256,
            Self::Es384 => KeyType::P384,
            Self::Es512 => KeyType::P521,
            Self::EdDsa => KeyType::Ed25519,
        }
    }

    /// Bytes of the shortest secret that may be used with it: those of its digest, at least 32 (RFC 7518 §3.2). 0 where keys
    /// are no secrets.
    #[must_use]
    pub const fn secret_bytes_min(self) -> usize {
        match self {
            Self::Hs256 => JWT_SECRET_BYTES_MIN,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }

    /// Whether the key is a secret that both sides hold.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// A type of key. An algorithm takes keys of one type only, so that no key can be used for an algorithm of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// A shared secret: `oct`.
    Secret,
    /// `RSA`.
    Rsa,
    /// `EC` on P-256.
    P256,
    /// `EC` on P-384.
    P384,
    /// `EC` on P-521.
    P521,
    /// `OKP` with Ed25519.
    Ed25519,
}

impl KeyType {
    /// Bytes of a coordinate, where keys are points with two of them.
    #[must_use]
    pub const fn coordinate_bytes(self) -> Option<usize> {
        match self {
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::P521 => Some(66),
            Self::Secret | Self::Rsa | Self::Ed25519 => None,
        }
    }
}

/// The bytes of a key, by type. Integers are big-endian and unsigned. `Debug` shows the type alone.
#[derive(Clone, Copy)]
pub enum KeyMaterial<'a> {
    /// A shared secret.
    Secret(&'a [u8]),
    /// RSA modulus and exponent.
    Rsa {
        /// Modulus.
        n: &'a [u8],
        /// Exponent.
        e: &'a [u8],
    },
    /// A point on the curve of the algorithm: coordinates of the curve's length.
    Ec {
        /// First coordinate.
        x: &'a [u8],
        /// Second coordinate.
        y: &'a [u8],
    },
    /// An Ed25519 public key: 32 bytes.
    Ed25519(&'a [u8]),
}

impl fmt::Debug for KeyMaterial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(..)",
            Self::Rsa { .. } => "Rsa(..)",
            Self::Ec { .. } => "Ec(..)",
            Self::Ed25519(_) => "Ed25519(..)",
        })
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKey {
    /// The material is not of the algorithm's type.
    WrongType,
    /// Shorter than the algorithm's least: secrets [`Algorithm::secret_bytes_min`], RSA 2048 bits.
    TooShort,
    /// Longer than is reasonable: RSA 8192 bits.
    TooLong,
    /// No point on the curve, or malformed otherwise.
    Malformed,
}

impl BadKey {
    /// The sentence for a log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongType => "key is of another type than its algorithm",
            Self::TooShort => "key is too short",
            Self::TooLong => "key is too long",
            Self::Malformed => "key is malformed",
        }
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for BadKey {}

/// One key, ready to verify with the one algorithm that it was made for.
pub trait VerifySignature: Send + Sync + fmt::Debug {
    /// Whether `signature` is good for `message`.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// A library that verifies signatures.
pub trait Signatures: Sync {
    /// Prepares `material` for `algorithm`. Errors: what is wrong with the key.
    fn key(
        &self,
        algorithm: Algorithm,
        material: KeyMaterial<'_>,
    ) -> Result<Box<dyn VerifySignature>, BadKey>;
}
