#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rcgen::DnValue;

use super::*;
use crate::engine::identity::mtls::testing::{BEGIN_SECS, END_SECS, Says, certify, forge};

use CertificateFault::{Ambiguous, BadName, NoIdentity, OutOfTime};
use IdentitySource::{Cn, SanDns, SanEmail, SanUri};

/// `Ok(name)` or the fault, for each source.
fn check(der: &[u8], rows: &[(IdentitySource, Result<&str, CertificateFault>)]) {
    let certificate = ClientCertificate::parse(der).unwrap();
    for (source, expected) in rows {
        assert_eq!(
            certificate.name(*source, BEGIN_SECS),
            *expected,
            "{source:?}"
        );
    }
}

#[test]
fn each_kind_of_name_is_found_in_its_one_spelling() {
    let der = certify(&[
        Says::Org("Example"),
        Says::Cn("alice"),
        Says::Dns("Agent.Example.com"),
        Says::Email("Alice@Example.COM"),
        Says::Uri("spiffe://td/Agent"),
        Says::Ip("192.0.2.1"),
    ]);
    check(
        &der,
        &[
            (Cn, Ok("alice")),
            (SanDns, Ok("agent.example.com")),
            (SanEmail, Ok("Alice@example.com")),
            (SanUri, Ok("spiffe://td/Agent")),
        ],
    );
}

#[test]
fn one_kind_of_name_never_stands_in_for_another() {
    check(
        &certify(&[Says::Cn("agent.example.com"), Says::Ip("192.0.2.1")]),
        &[
            (Cn, Ok("agent.example.com")),
            (SanDns, Err(NoIdentity)),
            (SanEmail, Err(NoIdentity)),
            (SanUri, Err(NoIdentity)),
        ],
    );
    check(
        &certify(&[Says::Dns("agent.example.com")]),
        &[
            (Cn, Err(NoIdentity)),
            (SanDns, Ok("agent.example.com")),
            (SanUri, Err(NoIdentity)),
        ],
    );
    check(
        &certify(&[]),
        &[(Cn, Err(NoIdentity)), (SanDns, Err(NoIdentity))],
    );
}

#[test]
fn two_names_that_differ_are_no_identity() {
    check(
        &certify(&[
            Says::Cn("alice"),
            Says::SecondCn("bob"),
            Says::Dns("a.example"),
            Says::Dns("b.example"),
            Says::Email("a@x"),
            Says::Email("A@x"),
            Says::Uri("spiffe://td/a"),
            Says::Uri("spiffe://td/A"),
        ]),
        &[
            (Cn, Err(Ambiguous)),
            (SanDns, Err(Ambiguous)),
            (SanEmail, Err(Ambiguous)),
            (SanUri, Err(Ambiguous)),
        ],
    );
    check(
        &certify(&[
            Says::Cn("alice"),
            Says::SecondCn("alice"),
            Says::Dns("a.example"),
            Says::Dns("A.Example"),
        ]),
        &[(Cn, Err(Ambiguous)), (SanDns, Ok("a.example"))],
    );
}

#[test]
fn a_name_that_is_none_spoils_its_own_kind_alone() {
    let good = certify(&[
        Says::Cn("alice--evil"),
        Says::Dns("a--b.example"),
        Says::Email("a--b@x"),
        Says::Uri("spiffe://td/a--b"),
    ]);
    let rows: [(&[u8], &[u8], IdentitySource); 8] = [
        (b"alice--evil", b"alice\0-evil", Cn),
        (b"alice--evil", b"alice\xff-evil", Cn),
        (b"alice--evil", b"alice\n-evil", Cn),
        (b"a--b.example", b"a\0-b.example", SanDns),
        (b"a--b.example", b"a\xc3\xa4b.example", SanDns),
        (b"a--b@x", b"a\0-b@x", SanEmail),
        (b"spiffe://td/a--b", b"spiffe://td/a\0-b", SanUri),
        (b"spiffe://td/a--b", b"spiffe://td/a -b", SanUri),
    ];
    for (from, to, spoilt) in rows {
        let certificate = ClientCertificate::parse(&forge(&good, from, to)).unwrap();
        for source in [Cn, SanDns, SanEmail, SanUri] {
            let found = certificate.name(source, BEGIN_SECS);
            assert_eq!(
                found.err(),
                (source == spoilt).then_some(BadName),
                "{to:?} {source:?}"
            );
        }
    }
    let long = format!("spiffe://td/{}", "a".repeat(300));
    check(
        &certify(&[Says::Cn(&long), Says::Uri(&long)]),
        &[(Cn, Err(BadName)), (SanUri, Err(BadName))],
    );
    // One good name beside a bad one of its kind: the other reader may take the bad one.
    check(
        &certify(&[Says::Dns("a.example"), Says::Dns("*.example")]),
        &[(SanDns, Err(BadName))],
    );
}

#[test]
fn a_common_name_is_taken_from_types_that_everybody_reads_alike() {
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let rows = [
        (utf8("Jörg"), Ok("Jörg")),
        (
            DnValue::PrintableString("alice".try_into().unwrap()),
            Ok("alice"),
        ),
        (DnValue::Ia5String("a@x".try_into().unwrap()), Ok("a@x")),
        (
            DnValue::TeletexString("alice b".try_into().unwrap()),
            Ok("alice b"),
        ),
        (
            DnValue::TeletexString("a$b".try_into().unwrap()),
            Err(BadName),
        ),
        (
            DnValue::BmpString("alice".try_into().unwrap()),
            Err(BadName),
        ),
        (utf8(""), Err(BadName)),
        (utf8(" alice"), Err(BadName)),
    ];
    for (value, expected) in rows {
        check(&certify(&[Says::TypedCn(value)]), &[(Cn, expected)]);
    }
    // A type that the reader of DER does not know: nothing of the certificate is believed.
    let universal = DnValue::UniversalString("alice".try_into().unwrap());
    assert_eq!(
        ClientCertificate::parse(&certify(&[Says::TypedCn(universal)])),
        Err(CertificateError::Malformed)
    );
}

#[test]
fn alternative_names_come_in_one_extension_or_not_at_all() {
    let uri = b"\x30\x0d\x86\x0bspiffe://td";
    let rows: [(&[Says<'_>], Result<&str, CertificateFault>); 7] = [
        (&[Says::RawSan(uri)], Ok("spiffe://td")),
        (&[Says::RawSan(b"\x30\x00")], Err(NoIdentity)),
        (&[Says::RawSan(uri), Says::RawSan(uri)], Err(BadName)),
        (
            &[Says::Uri("spiffe://a"), Says::RawSan(b"\x30\x00")],
            Err(BadName),
        ),
        (
            &[Says::RawSan(b"\x30\x0d\x86\x0dspiffe://td")],
            Err(BadName),
        ),
        (&[Says::RawSan(b"")], Err(BadName)),
        // A constructed string, which BER alone has.
        (
            &[Says::RawSan(b"\x30\x0f\xa6\x0d\x16\x0bspiffe://td")],
            Err(BadName),
        ),
    ];
    for (says, expected) in rows {
        check(&certify(says), &[(SanUri, expected)]);
    }
}

#[test]
fn a_certificate_holds_from_its_first_second_through_its_last() {
    let certificate = ClientCertificate::parse(&certify(&[Says::Cn("alice")])).unwrap();
    assert_eq!(certificate.not_before_secs(), BEGIN_SECS);
    assert_eq!(certificate.not_after_secs(), END_SECS);
    for (now_secs, expected) in [
        (BEGIN_SECS - 1, Err(OutOfTime)),
        (BEGIN_SECS, Ok("alice")),
        (END_SECS, Ok("alice")),
        (END_SECS + 1, Err(OutOfTime)),
        (0, Err(OutOfTime)),
        (u64::MAX, Err(OutOfTime)),
    ] {
        assert_eq!(certificate.name(Cn, now_secs), expected, "{now_secs}");
    }
}

#[test]
fn what_is_not_exactly_one_certificate_is_refused() {
    let der = certify(&[Says::Cn("alice")]);
    let longer = [&der[..], b"\0"].concat();
    let twice = [&der[..], &der[..]].concat();
    for bytes in [&b""[..], b"\x30\x00", &der[1..], &longer, &twice, b"alice"] {
        assert_eq!(
            ClientCertificate::parse(bytes),
            Err(CertificateError::Malformed)
        );
    }
    for end in 0..der.len() {
        assert!(ClientCertificate::parse(&der[..end]).is_err(), "{end}");
    }
}

#[test]
fn no_flipped_bit_makes_it_panic() {
    let der = certify(&[
        Says::Cn("alice"),
        Says::Uri("spiffe://td/a"),
        Says::Dns("a.b"),
    ]);
    for at in 0..der.len() {
        for bit in 0..8 {
            let mut flipped = der.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(certificate) = ClientCertificate::parse(&flipped) {
                let _ = certificate.name(SanUri, BEGIN_SECS);
            }
        }
    }
}

#[test]
fn an_unreadable_certificate_has_no_name_and_no_time() {
    let certificate = ClientCertificate::unreadable(CertificateError::Malformed);
    assert_eq!(
        certificate.name(Cn, BEGIN_SECS),
        Err(CertificateFault::Unreadable(CertificateError::Malformed))
    );
    assert_eq!(certificate.not_after_secs(), 0);
}
