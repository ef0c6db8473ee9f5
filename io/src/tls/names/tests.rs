//! Names are read from any certificate without harm.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::tls::{material::certified, testing::Authority};

#[test]
fn names_are_those_of_the_certificate() {
    let ours = Authority::new("ours");
    let rows: [&[&str]; 4] = [&[], &["a.test"], &["a.test", "*.B.test"], &["127.0.0.1"]];
    for names in rows {
        let issued = ours.issue(names, |_| {});
        let expected: Vec<_> = names
            .iter()
            .filter(|name| !name.starts_with("127"))
            .collect();
        let pair = issued.pair();
        assert_eq!(
            der::dns_names(&pair.chain[0]).iter().collect::<Vec<_>>(),
            expected
        );
    }
}

#[test]
fn no_cut_or_changed_certificate_is_a_danger() {
    let pair = Authority::new("ours").issue(&["a.test"], |_| {}).pair();
    let whole = pair.chain[0].to_vec();
    for cut in 0..whole.len() {
        assert_eq!(der::dns_names(&whole[..cut]), Vec::<&str>::new());
    }
    for place in 0..whole.len() {
        for value in [0, 0x7f, 0x80, 0x84, 0xff] {
            let mut changed = whole.clone();
            changed[place] = value;
            der::dns_names(&changed);
            der::split_sequences(&changed);
        }
    }
}

#[test]
fn certificate_that_fits_goes_first_among_those_of_a_name() {
    let ours = Authority::new("ours");
    let keys = [(); 3]
        .map(|()| Arc::new(certified(ours.issue(&["a.test", "*.a.test"], |_| {}).pair()).unwrap()));
    let certificates = Certificates::new(keys.to_vec()).unwrap();
    let is = |picked: &Arc<CertifiedKey>, index: usize| Arc::ptr_eq(picked, &keys[index]);
    for name in ["a.test", "b.a.test"] {
        assert!(is(certificates.pick(Some(name), |_| true), 0));
        assert!(is(
            certificates.pick(Some(name), |key| std::ptr::eq(key, &*keys[2])),
            2
        ));
        assert!(is(certificates.pick(Some(name), |_| false), 0));
    }
    assert!(is(certificates.pick(None, |_| true), 0));
    assert!(Certificates::new(Vec::new()).is_none());
}
