#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::Vouching;
use super::desk::Desk;
use crate::control::oauth::provider::{Provider, Scripted, VouchFault};
use crate::engine::identity::opaque::{Verdict, Vouched};
use crate::engine::limits::{
    UNVOUCHED_MAX, VOUCH_WAITERS_MAX, VOUCHES_AT_ONCE_MAX, VOUCHES_WAITING_MAX,
};
use crate::mailbox::{Asks, Awaited, VouchRequest, VouchRequests};
use crate::metrics::{OAuthCells, VouchResult};

/// A desk with a clerk, and what the provider was told to say.
struct Office {
    asks: VouchRequests,
    vouching: Arc<Vouching>,
    cells: Arc<OAuthCells>,
    served: JoinHandle<()>,
}

impl Drop for Office {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Office {
    fn open(provider: Option<&Provider>) -> Self {
        let cells = Arc::<OAuthCells>::default();
        let vouching = Arc::new(Vouching::new(Arc::clone(&cells)));
        vouching.set_provider(provider.cloned());
        let asks = Asks::new(1_024);
        let (taken, serving) = (asks.take().unwrap(), Arc::clone(&vouching));
        Self {
            asks,
            vouching,
            cells,
            served: tokio::spawn(async move { serving.serve(taken).await }),
        }
    }

    fn put(&self, token: u32) -> Awaited<Verdict> {
        self.asks.put(request(token)).unwrap()
    }

    async fn ask(&self, token: u32) -> Verdict {
        let answer = self.put(token);
        tokio::time::timeout(Duration::from_secs(10), answer.answer())
            .await
            .unwrap()
            .unwrap()
    }
}

fn request(token: u32) -> VouchRequest {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&token.to_be_bytes());
    let token = Zeroizing::new(token.to_string().into());
    VouchRequest { digest, token }
}

fn now_secs() -> u64 {
    super::desk::now_secs()
}

fn good(ask_again_at_secs: u64) -> Result<Vouched, VouchFault> {
    Ok(Vouched {
        user: "u".into(),
        scopes: Vec::new(),
        audiences: Vec::new(),
        client_id: None,
        expires_at_secs: None,
        ask_again_at_secs,
    })
}

fn down() -> Result<Vouched, VouchFault> {
    Err(VouchFault::Unavailable("down".into()))
}

fn says(
    answers: impl Into<VecDeque<Result<Vouched, VouchFault>>>,
    pause: Duration,
) -> (Provider, Arc<Scripted>) {
    let script = Arc::new(Scripted {
        vouched: Mutex::new(answers.into()),
        pause,
        ..Scripted::default()
    });
    (Provider::scripted(Arc::clone(&script)), script)
}

const SHORT: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "current_thread")]
async fn all_who_ask_about_one_token_cause_one_question() {
    let (provider, script) = says([good(now_secs() + 60)], SHORT);
    let office = Office::open(Some(&provider));
    let waiting: Vec<_> = (0..100).map(|_| office.put(1)).collect();
    for answer in waiting {
        assert!(matches!(answer.answer().await, Some(Verdict::Active(_))));
    }
    assert!(matches!(office.ask(1).await, Verdict::Active(_)));
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    assert_eq!(office.cells.vouches(VouchResult::Active), 1);
    assert_eq!(office.cells.vouches(VouchResult::Remembered), 1);
    // Another token is another question.
    office.ask(2).await;
    assert_eq!(*script.asked.lock().unwrap(), ["1", "2"]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_bad_token_is_remembered_and_one_that_ends_now_is_not() {
    for (answer, questions) in [
        (Err(VouchFault::Inactive("it is not active")), 1),
        (Err(VouchFault::NotAllowed("rule".into())), 1),
        (good(now_secs()), 3),
        (good(now_secs() + 60), 1),
    ] {
        let (provider, script) = says([answer.clone()], Duration::ZERO);
        let office = Office::open(Some(&provider));
        for _ in 0..3 {
            match (office.ask(1).await, &answer) {
                (Verdict::Active(_), Ok(_)) | (Verdict::Inactive, Err(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(script.asked.lock().unwrap().len(), questions, "{answer:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_outage_is_not_remembered_for_the_token_and_spares_the_provider() {
    let (provider, script) = says([down()], Duration::ZERO);
    let office = Office::open(Some(&provider));
    for token in 0..20 {
        assert_eq!(office.ask(token).await, Verdict::Unavailable);
    }
    assert_eq!(script.asked.lock().unwrap().len(), 3);
    assert_eq!(office.cells.vouches(VouchResult::Unavailable), 20);
    // A single token that the provider cannot answer for is no outage.
    let answers = [down(), good(now_secs() + 60), down(), good(now_secs() + 60)];
    let (provider, script) = says(answers, Duration::ZERO);
    let office = Office::open(Some(&provider));
    for (token, is_good) in [(1, false), (1, true), (2, false), (2, true)] {
        let verdict = office.ask(token).await;
        assert_eq!(matches!(verdict, Verdict::Active(_)), is_good, "{token}");
    }
    assert_eq!(script.asked.lock().unwrap().len(), 4);
}

#[tokio::test(flavor = "current_thread")]
async fn another_configuration_begins_with_nothing_known() {
    let (first, _) = says([good(now_secs() + 60)], Duration::ZERO);
    let office = Office::open(Some(&first));
    assert!(matches!(office.ask(1).await, Verdict::Active(_)));
    let (second, script) = says([Err(VouchFault::NotAllowed("rule".into()))], Duration::ZERO);
    office.vouching.set_provider(Some(second));
    assert_eq!(office.ask(1).await, Verdict::Inactive);
    assert_eq!(script.asked.lock().unwrap().len(), 1);
    office.vouching.set_provider(None);
    assert_eq!(office.ask(1).await, Verdict::Unavailable);
}

#[tokio::test(flavor = "current_thread")]
async fn what_an_earlier_configuration_is_told_late_counts_for_nobody() {
    let (first, _) = says([good(now_secs() + 60)], SHORT);
    let office = Office::open(Some(&first));
    let waiting = office.put(1);
    tokio::task::yield_now().await;
    let (second, _) = says([Err(VouchFault::Inactive("gone"))], Duration::ZERO);
    office.vouching.set_provider(Some(second));
    assert_eq!(waiting.answer().await, Some(Verdict::Unavailable));
    assert_eq!(office.ask(1).await, Verdict::Inactive);
}

#[tokio::test(flavor = "current_thread")]
async fn without_a_provider_nobody_vouches() {
    let office = Office::open(None);
    assert_eq!(office.ask(1).await, Verdict::Unavailable);
}

#[tokio::test(flavor = "current_thread")]
async fn questions_waits_and_waiters_are_bounded() {
    let (provider, _) = says([good(now_secs() + 60)], Duration::ZERO);
    let cells = Arc::<OAuthCells>::default();
    let mut desk = Desk::new(Arc::clone(&cells));
    desk.turn_to(Some(Arc::new(provider)));
    let asks = Asks::new(4_096);
    let mut taken = asks.take().unwrap();
    let mut put = |desk: &mut Desk, token: u32| {
        let awaited = asks.put(request(token)).unwrap();
        desk.take(taken.try_recv().unwrap());
        awaited
    };
    let same: Vec<_> = (0..VOUCH_WAITERS_MAX + 10)
        .map(|_| put(&mut desk, 0))
        .collect();
    assert_eq!(cells.vouches(VouchResult::Unavailable), 10);
    let others: Vec<_> = (1..VOUCHES_WAITING_MAX + 10)
        .map(|token| put(&mut desk, u32::try_from(token).unwrap()))
        .collect();
    assert_eq!(cells.vouches(VouchResult::Unavailable), 20);
    let mut questions: Vec<_> = std::iter::from_fn(|| desk.next()).collect();
    assert_eq!(questions.len(), VOUCHES_AT_ONCE_MAX);
    desk.finish(questions.remove(0).ask().await);
    assert!(matches!(same[0].answer().await, Some(Verdict::Active(_))));
    // Tokens that nobody waits for any more are not asked about.
    drop(others);
    assert!(desk.next().is_none());
    assert!(desk.next().is_none());
    for question in questions {
        desk.finish(question.ask().await);
    }
    assert!(
        desk.next().is_none(),
        "nobody is asked about what nobody waits for"
    );
    assert!(!desk.waits_for_any());
}

#[tokio::test(flavor = "current_thread")]
async fn strangers_push_out_nothing_but_what_strangers_sent() {
    let (provider, script) = says([Err(VouchFault::Inactive("no"))], Duration::ZERO);
    let mut desk = Desk::new(Arc::default());
    desk.turn_to(Some(Arc::new(provider)));
    let asks = Asks::new(1);
    let mut taken = asks.take().unwrap();
    let count = u32::try_from(UNVOUCHED_MAX).unwrap() + 100;
    for token in 0..count {
        let _answer = asks.put(request(token)).unwrap();
        desk.take(taken.try_recv().unwrap());
        let question = desk.next().unwrap();
        desk.finish(question.ask().await);
    }
    assert_eq!(desk.remembered_bad(), UNVOUCHED_MAX);
    assert_eq!(script.asked.lock().unwrap().len(), count as usize);
}
