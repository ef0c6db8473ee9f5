#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Agreed, Answered, Errand, PendingFault, Pendings, Visitor};
use crate::control::oauth::front::testing::client_errand;
use crate::control::oauth::testing::somebody;
use crate::engine::limits::{LOGIN_MS_MAX, LOGINS_MAX, LOGINS_PER_ADDRESS_MAX};
use crate::engine::oauth::SecretHash;

fn browser(name: &str) -> SecretHash {
    SecretHash::of(name.as_bytes())
}

fn visitor(name: &str, address: &str) -> Visitor {
    Visitor {
        browser: browser(name),
        address: address.parse().unwrap(),
    }
}

fn alice() -> Visitor {
    visitor("alice", "192.0.2.1")
}

#[test]
fn a_login_goes_on_in_its_own_browser_alone_and_strangers_change_nothing() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let ticket = pendings.ask(now, alice(), Errand::Person).unwrap();
    for stranger in [None, Some(browser("mallory"))] {
        let refused = pendings.answered(now, stranger, &ticket);
        assert_eq!(refused.err(), Some(PendingFault::OtherBrowser));
    }
    let answered = pendings
        .answered(now, Some(browser("alice")), &ticket)
        .unwrap();
    let Answered::BeforeLogin(Errand::Person, place) = answered else {
        panic!("{answered:?}")
    };
    let secrets = pendings.depart(&place).unwrap();
    for stranger in [None, Some(browser("mallory"))] {
        let refused = pendings.returned(now, stranger, &secrets.state);
        assert_eq!(refused.err(), Some(PendingFault::OtherBrowser));
    }
    let returned = pendings
        .returned(now, Some(browser("alice")), &secrets.state)
        .unwrap();
    assert_eq!(returned.agreed, Agreed::Now);
    assert_eq!(*returned.secrets.verifier, *secrets.verifier);
}

#[test]
fn a_state_counts_once_and_a_later_one_replaces_it() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let own = Some(browser("alice"));
    let ticket = pendings.ask(now, alice(), Errand::Person).unwrap();
    let depart = || match pendings.answered(now, own, &ticket).unwrap() {
        Answered::BeforeLogin(_, place) => pendings.depart(&place).unwrap(),
        other => panic!("{other:?}"),
    };
    // The button was pressed twice: the second answer is the one that the browser follows.
    let (first, second) = (depart(), depart());
    assert!(pendings.returned(now, own, &first.state).is_err());
    assert!(pendings.returned(now, own, &second.state).is_ok());
    let replayed = pendings.returned(now, own, &second.state);
    assert_eq!(replayed.err(), Some(PendingFault::Unknown));
    assert!(pendings.answered(now, own, &ticket).is_err());
}

#[test]
fn a_refused_login_is_over() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let own = Some(browser("alice"));
    let ticket = pendings.ask(now, alice(), Errand::Person).unwrap();
    let Answered::BeforeLogin(_, place) = pendings.answered(now, own, &ticket).unwrap() else {
        panic!("nobody has logged in")
    };
    pendings.refuse(&place);
    assert!(pendings.depart(&place).is_none());
    assert!(pendings.answered(now, own, &ticket).is_err());
    assert_eq!(pendings.sweep(now), 0);
}

#[test]
fn one_who_has_logged_in_is_asked_once() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let (own, who) = (Some(browser("alice")), Box::new(somebody("583231", &[])));
    let errand = Box::new(client_errand("https://app.example/cb"));
    let ticket = pendings.ask_after(now, alice(), errand, who).unwrap();
    assert!(
        pendings
            .answered(now, Some(browser("mallory")), &ticket)
            .is_err()
    );
    let answered = pendings.answered(now, own, &ticket).unwrap();
    assert!(matches!(&answered, Answered::AfterLogin(_, who) if &*who.user.id == "583231"));
    assert!(pendings.answered(now, own, &ticket).is_err());
}

#[test]
fn a_login_without_a_page_knows_who_agreed_to_it() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let secrets = pendings
        .trust(now, alice(), Errand::Person, "583231")
        .unwrap();
    let returned = pendings
        .returned(now, Some(browser("alice")), &secrets.state)
        .unwrap();
    assert_eq!(returned.agreed, Agreed::Before("583231".into()));
}

#[test]
fn a_login_ends_with_its_time() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let own = Some(browser("alice"));
    let ticket = pendings.ask(now, alice(), Errand::Person).unwrap();
    let secrets = pendings.trust(now, alice(), Errand::Person, "a").unwrap();
    let end = now + Duration::from_millis(LOGIN_MS_MAX);
    let before = end - Duration::from_millis(1);
    assert!(pendings.answered(before, own, &ticket).is_ok());
    assert!(pendings.knows(before, &browser("alice")));
    assert!(pendings.answered(end, own, &ticket).is_err());
    assert!(pendings.returned(end, own, &secrets.state).is_err());
    assert!(!pendings.knows(end, &browser("alice")));
    assert_eq!(pendings.sweep(before), 2);
    assert_eq!(pendings.sweep(end), 0);
}

#[test]
fn an_address_makes_room_for_itself_and_a_network_of_ipv6_is_one() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let other = pendings
        .ask(now, visitor("bob", "192.0.2.2"), Errand::Person)
        .unwrap();
    for network in ["192.0.2.1", "2001:db8::"] {
        let address: IpAddr = network.parse().unwrap();
        let tickets: Vec<_> = (0..=LOGINS_PER_ADDRESS_MAX as u128)
            .map(|host| {
                let address = match address {
                    IpAddr::V6(address) => IpAddr::V6((address.to_bits() + host).into()),
                    v4 => v4,
                };
                let visitor = Visitor {
                    browser: browser("alice"),
                    address,
                };
                pendings.ask(now, visitor, Errand::Person).unwrap()
            })
            .collect();
        let is_there = |ticket: &str| {
            pendings
                .answered(now, Some(browser("alice")), ticket)
                .is_ok()
        };
        assert!(
            !is_there(&tickets[0]),
            "{network}: the oldest has made room"
        );
        assert!(
            tickets[1..].iter().all(|ticket| is_there(ticket)),
            "{network}"
        );
    }
    assert!(pendings.answered(now, Some(browser("bob")), &other).is_ok());
    assert_eq!(pendings.sweep(now), 1 + 2 * LOGINS_PER_ADDRESS_MAX);
}

#[test]
fn there_are_never_more_than_the_bound() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    for index in 0..LOGINS_MAX as u32 + 10 {
        let visitor = Visitor {
            browser: browser("alice"),
            address: IpAddr::V4(index.into()),
        };
        pendings.trust(now, visitor, Errand::Person, "a").unwrap();
    }
    assert_eq!(pendings.sweep(now), LOGINS_MAX);
    let table = pendings.table();
    assert_eq!(
        (table.tickets.len(), table.states.len(), table.counts.len()),
        (LOGINS_MAX, LOGINS_MAX, LOGINS_MAX)
    );
}

#[test]
fn whoever_begins_many_logins_ends_their_own_and_not_that_of_another() {
    let (pendings, now) = (Pendings::default(), Instant::now());
    let ticket = pendings.ask(now, alice(), Errand::Person).unwrap();
    for index in 0..2 * LOGINS_MAX as u32 {
        let visitor = Visitor {
            browser: browser("mallory"),
            address: IpAddr::V4((index % 1_000).into()),
        };
        pendings.ask(now, visitor, Errand::Person).unwrap();
    }
    assert!(
        pendings
            .answered(now, Some(browser("alice")), &ticket)
            .is_ok()
    );
    assert_eq!(pendings.sweep(now), LOGINS_MAX);
    let end = now + Duration::from_millis(LOGIN_MS_MAX);
    assert_eq!(pendings.sweep(end), 0);
    assert!(pendings.table().counts.is_empty());
}
