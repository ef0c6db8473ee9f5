//! Which of a certificate's names is the identity.

use super::{call_as, client_as};
use crate::harness::client::{call, post};
use crate::harness::pki::Subject;
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};

#[test]
fn the_configured_kind_of_name_is_the_identity_and_no_other() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let subject = |names: &[&'static str],
                   dns: &[&'static str],
                   emails: &[&'static str],
                   uris: &[&'static str]| {
        Subject {
            names: names.to_vec(),
            dns: dns.to_vec(),
            emails: emails.to_vec(),
            uris: uris.to_vec(),
            ..Subject::default()
        }
    };
    const SPIFFE: &str = "spiffe://prod.test/ns/ci/sa/builder";
    let everything = || subject(&["alice"], &["alice.test"], &["alice@test.test"], &[SPIFFE]);
    for (source, pattern, good, bad) in [
        (
            "cn",
            "alice",
            vec![everything(), subject(&["alice"], &[], &[], &[])],
            vec![
                subject(&[], &["alice"], &["alice"], &[]),
                subject(&[], &[], &[], &[]),
            ],
        ),
        (
            "san_dns",
            "alice.test",
            vec![
                everything(),
                subject(&[], &["alice.test"], &[], &[]),
                subject(&[], &["ALICE.test"], &[], &[]),
                subject(&["mallory"], &["alice.test"], &[], &[]),
            ],
            vec![
                subject(&["alice.test"], &[], &[], &[]),
                subject(&["alice.test"], &["mallory.test"], &[], &[]),
                subject(&[], &["alice.test", "mallory.test"], &[], &[]),
                subject(&[], &[], &["alice.test"], &[]),
            ],
        ),
        (
            "san_email",
            "alice@test.test",
            vec![everything(), subject(&[], &[], &["alice@TEST.test"], &[])],
            vec![
                subject(&["alice@test.test"], &[], &[], &[]),
                subject(&[], &[], &["alice@test.test", "bob@test.test"], &[]),
            ],
        ),
        (
            "san_uri",
            "spiffe://prod.test/ns/ci/*",
            vec![everything(), subject(&[], &[], &[], &[SPIFFE])],
            vec![
                subject(&[SPIFFE], &[], &[], &[]),
                subject(&[], &[], &[], &["spiffe://dev.test/ns/ci/sa/builder"]),
                subject(
                    &[],
                    &[],
                    &[],
                    &[SPIFFE, "spiffe://prod.test/ns/ci/sa/other"],
                ),
            ],
        ),
    ] {
        let mut setup = site.setup(&upstream, &site.client_auth("required"));
        setup.config.push_str(&format!(
            "[auth.mtls]\nenabled = true\nidentity_source = \"{source}\"\n[[auth.mtls.identities]]\nmatch = \"{pattern}\"\nallowed_tools = [\"read_*\"]\n"
        ));
        let gateway = setup.start();
        for (subjects, status) in [(good, 200), (bad, 401)] {
            for (index, subject) in subjects.iter().enumerate() {
                let identity = site.clients.client_with(subject);
                let answer = call_as(&site, &gateway, &identity, "read_a");
                assert_eq!(answer.status, status, "{source} {index}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_name_that_deceives_the_eye_is_no_name() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(&upstream, &site.client_auth("required"));
    setup.config.push_str(
        "[auth.mtls]\nenabled = true\nidentity_source = \"cn\"\nallowed_tools = [\"read_*\"]\n",
    );
    let gateway = setup.start();
    for name in [
        "alice\0.evil.test",
        "alice\r\nX: y",
        "",
        " ",
        "a\u{202e}b",
        "a\u{200b}b",
    ] {
        let identity = site.clients.client(name);
        let mut client = client_as(&site, &gateway, &identity);
        let answer = client.exchange(post("/mcp", "", &call(1, "read_a")));
        assert_eq!(answer.status, 401, "{name:?}: {answer:?}");
    }
}
