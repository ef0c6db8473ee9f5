//! Attacks on the mathematics, and on what key is used for what.

use super::*;
use crate::engine::identity::jwt::{BadKey, KeyMaterial};

const NONE: &[Algorithm] = &[];

#[test]
fn a_public_key_is_no_secret() {
    let pair = rsa_pair();
    let spki = {
        let pair = RsaKeyPair::from_pkcs8(&pair.private).unwrap();
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    };
    let standard = base64::engine::general_purpose::STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{standard}\n-----END PUBLIC KEY-----\n");
    let secrets: [&[u8]; 6] = [
        &pair.public,
        &spki,
        pem.as_bytes(),
        pem.trim_end().as_bytes(),
        pair.jwk.as_bytes(),
        &pair.public[9..265],
    ];
    for secret in secrets {
        let key = EncodingKey::from_secret(secret);
        let forged = minted(Algorithm::Hs256, |message| {
            signed_by_oracle(&key, Algorithm::Hs256, message)
        });
        // Not even where the configuration could be made to take both.
        for further in [
            NONE,
            &[Algorithm::Hs256],
            &[Algorithm::Hs256, Algorithm::Ps256],
        ] {
            let algorithms = [&[Algorithm::Rs256], further].concat();
            let found = fault(&pair.jwk, &algorithms, &forged);
            assert_eq!(found, Some(TokenFault::Algorithm), "{algorithms:?}");
        }
    }
}

#[test]
fn a_signature_is_for_one_algorithm_alone() {
    let pair = rsa_pair();
    let rsa = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
    ];
    for made in rsa {
        for told in rsa {
            let token = minted(told, |message| sign(&pair, made, message));
            let expected = (made != told).then_some(TokenFault::BadSignature);
            assert_eq!(
                fault(&pair.jwk, &rsa, &token),
                expected,
                "{made:?} as {told:?}"
            );
            let named = pair
                .jwk
                .replace(r#""e""#, &format!(r#""alg":"{}","e""#, made.as_str()));
            let expected = (made != told).then_some(TokenFault::Algorithm);
            assert_eq!(
                fault(&named, &rsa, &token),
                expected,
                "{made:?} as {told:?}"
            );
        }
    }
}

#[test]
fn a_key_is_for_its_curve_alone() {
    let all = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512];
    for algorithm in all {
        let pair = pair_for(algorithm);
        for told in all {
            let token = minted(told, |message| sign(&pair, algorithm, message));
            let expected = (algorithm != told).then_some(TokenFault::Algorithm);
            assert_eq!(
                fault(&pair.jwk, &all, &token),
                expected,
                "{algorithm:?} as {told:?}"
            );
        }
    }
}

/// SEQUENCE { INTEGER r, INTEGER s }: how other protocols write it.
fn as_der(signature: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let zeros = half.iter().take_while(|byte| **byte == 0).count();
        let digits = &half[zeros..];
        let sign: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
        let length = u8::try_from(sign.len() + digits.len()).unwrap();
        [&[2, length], sign, digits].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], &*both].concat()
}

#[test]
fn an_ecdsa_signature_is_two_numbers_of_the_right_size() {
    let pair = pair_for(Algorithm::Es256);
    // The order of P-256.
    let order = decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
    type Bend<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let zero = [0; 32];
    let bends: [Bend<'_>; 11] = [
        &|good| as_der(&good),
        &|_| vec![0; 64],
        &|good| [&zero, &good[32..]].concat(),
        &|good| [&good[..32], &zero].concat(),
        &|good| [&*order, &good[32..]].concat(),
        &|good| [&good[..32], &order].concat(),
        &|_| [&*order, &*order].concat(),
        &|good| [&good[32..], &good[..32]].concat(),
        &|good| [&[0], &good[..32], &[0], &good[32..]].concat(),
        &|good| good[..63].to_vec(),
        &|_| Vec::new(),
    ];
    for (index, bend) in bends.iter().enumerate() {
        let token = minted(Algorithm::Es256, |message| {
            bend(sign(&pair, Algorithm::Es256, message))
        });
        let found = fault(&pair.jwk, &[Algorithm::Es256], &token);
        assert_eq!(found, Some(TokenFault::BadSignature), "bend {index}");
    }
}

#[test]
fn an_ed25519_signature_has_one_form() {
    let pair = ed_pair();
    // The order of the base point, little-endian: s + L is the same number to a careless reader.
    let order: [u8; 32] = [
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = minted(Algorithm::EdDsa, |message| {
        let mut signature = sign(&pair, Algorithm::EdDsa, message);
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        signature
    });
    let found = fault(&pair.jwk, &[Algorithm::EdDsa], &token);
    assert_eq!(found, Some(TokenFault::BadSignature));
}

#[test]
fn what_is_no_key_is_refused() {
    let library = library().unwrap();
    let ones = [1; 66];
    let long = [0xFF; 1_025];
    let coordinates = |length: usize| KeyMaterial::Ec {
        x: &ones[..length],
        y: &ones[..length],
    };
    let modulus = |n| KeyMaterial::Rsa { n, e: &[1, 0, 1] };
    let rows = [
        // Not on the curve.
        (Algorithm::Es256, coordinates(32), BadKey::Malformed),
        (Algorithm::Es384, coordinates(48), BadKey::Malformed),
        (Algorithm::Es512, coordinates(66), BadKey::Malformed),
        (Algorithm::Es256, coordinates(33), BadKey::Malformed),
        (Algorithm::Es256, coordinates(0), BadKey::Malformed),
        (Algorithm::Hs256, coordinates(32), BadKey::WrongType),
        (Algorithm::Rs256, coordinates(32), BadKey::WrongType),
        (
            Algorithm::EdDsa,
            KeyMaterial::Ed25519(&ones[..31]),
            BadKey::Malformed,
        ),
        (
            Algorithm::Es256,
            KeyMaterial::Ed25519(&ones[..32]),
            BadKey::WrongType,
        ),
        (
            Algorithm::Hs256,
            KeyMaterial::Ed25519(&ones[..32]),
            BadKey::WrongType,
        ),
        (Algorithm::Rs256, modulus(&long[..255]), BadKey::TooShort),
        (Algorithm::Rs256, modulus(&[]), BadKey::TooShort),
        (Algorithm::Ps256, modulus(&long), BadKey::TooLong),
        (Algorithm::Hs256, modulus(&long[..256]), BadKey::WrongType),
        (Algorithm::Es256, modulus(&long[..256]), BadKey::WrongType),
        (
            Algorithm::Rs256,
            KeyMaterial::Secret(&ones),
            BadKey::WrongType,
        ),
        (
            Algorithm::Hs256,
            KeyMaterial::Secret(&ones[..31]),
            BadKey::TooShort,
        ),
        (
            Algorithm::Hs384,
            KeyMaterial::Secret(&ones[..47]),
            BadKey::TooShort,
        ),
        (
            Algorithm::Hs512,
            KeyMaterial::Secret(&ones[..63]),
            BadKey::TooShort,
        ),
    ];
    for (algorithm, material, expected) in rows {
        let found = library.key(algorithm, material).err();
        assert_eq!(found, Some(expected), "{algorithm:?} {material:?}");
    }
}

#[test]
fn keys_do_not_show_themselves() {
    let secret = b"a secret of the gateway and the issuer";
    let set = KeySet::of_secret(secret, &[Algorithm::Hs256], library().unwrap()).unwrap();
    let key = library()
        .unwrap()
        .key(Algorithm::Hs256, KeyMaterial::Secret(secret))
        .unwrap();
    for shown in [format!("{set:?}"), format!("{key:?}")] {
        assert!(
            !shown.contains("gateway") && !shown.contains("97"),
            "{shown}"
        );
    }
}
