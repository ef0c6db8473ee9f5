//! How long a proof holds.

use super::*;

#[test]
fn an_open_stream_ends_with_its_certificate_and_with_its_entry() {
    let open = authenticator(native(false), true);
    let shown = certificate("alice");
    let proving = Proving {
        certificate: Some(&shown),
        ..Proving::bare(BEGIN_SECS)
    };
    let principal = open.authenticate(None, &proving).unwrap();
    assert!(open.still_holds(&principal, &KeyRing::EMPTY, END_SECS));
    assert!(!open.still_holds(&principal, &KeyRing::EMPTY, END_SECS + 1));
    assert!(!authenticator(None, true).still_holds(&principal, &KeyRing::EMPTY, BEGIN_SECS));
}

#[test]
fn an_open_stream_ends_with_its_token_and_with_its_issuer() {
    let open = authenticator(None, false);
    let bob = token("https://login.example");
    let principal = open
        .authenticate(Some(bob.as_bytes()), &Proving::bare(BEGIN_SECS))
        .unwrap();
    assert_eq!(principal.realm(), Some("https://login.example"));
    assert!(open.still_holds(&principal, &KeyRing::EMPTY, BEGIN_SECS));
    assert!(!open.still_holds(&principal, &KeyRing::EMPTY, BEGIN_SECS + 60));
    assert!(!Authenticator::default().still_holds(&principal, &KeyRing::EMPTY, BEGIN_SECS));
}

#[test]
fn a_certificate_that_was_proven_is_found_again_within_its_time_and_configuration() {
    let strict = authenticator(native(false), true);
    let cache = ProofCache::new(8);
    let shown = certificate("alice");
    let at = |now_secs| Proving {
        certificate: Some(&shown),
        cache: Some(&cache),
        ..Proving::bare(now_secs)
    };
    let first = strict.authenticate(None, &at(BEGIN_SECS)).unwrap();
    let again = strict.authenticate(None, &at(END_SECS)).unwrap();
    // One and the same principal: nothing was made anew.
    assert!(std::ptr::eq(first.identity(), again.identity()));
    for now_secs in [BEGIN_SECS - 1, END_SECS + 1] {
        let failure = strict.authenticate(None, &at(now_secs)).unwrap_err();
        assert_eq!(
            failure,
            AuthFailure::Certificate(CertificateFault::OutOfTime)
        );
    }
    cache.align(ProofVersion {
        revision: 2,
        keys: 0,
    });
    let anew = strict.authenticate(None, &at(BEGIN_SECS)).unwrap();
    assert!(!std::ptr::eq(first.identity(), anew.identity()));
}

#[test]
fn headers_that_were_proven_are_found_again_and_only_for_those_who_may_send_them() {
    let strict = authenticator(from_proxy(false), true);
    let cache = ProofCache::new(8);
    let (digest, bytes) = head(&[
        ("X-Client-Cert-Verified", "SUCCESS"),
        ("X-Client-Cert-CN", "alice"),
    ]);
    let from = |peer| Proving {
        cache: Some(&cache),
        ..told(&digest, &bytes, peer)
    };
    let first = strict.authenticate(None, &from("10.0.0.1")).unwrap();
    let again = strict.authenticate(None, &from("10.0.0.2")).unwrap();
    assert!(std::ptr::eq(first.identity(), again.identity()));
    let other = strict.authenticate(None, &from("192.0.2.1")).unwrap();
    assert_eq!(other.provider(), Provider::Anonymous);
    let (digest, bytes) = head(&[("X-Client-Cert-CN", "alice")]);
    let unmarked = Proving {
        cache: Some(&cache),
        ..told(&digest, &bytes, "10.0.0.1")
    };
    let failure = strict.authenticate(None, &unmarked).unwrap_err();
    assert_eq!(
        failure,
        AuthFailure::Certificate(CertificateFault::Unverified)
    );
}
