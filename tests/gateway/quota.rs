//! Limits hold over all workers, and say the truth.

use crate::harness::client::call;
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{Upstream, plain_server};

#[test]
fn a_burst_is_admitted_exactly_once_whatever_the_number_of_workers() {
    let upstream = Upstream::start(plain_server);
    let mut setup = Setup::in_front_of(&upstream.url())
        .rate_limit("requests_per_second = 0.01\nburst_size = 10");
    setup.args = vec!["--workers".into(), "4".into()];
    let gateway = setup.start();
    let answers: Vec<_> = (0..30)
        .map(|id| gateway.post(READER, &call(id, "read_a")))
        .collect();
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        10
    );
    assert_eq!(upstream.count(), 10);
    for (index, answer) in answers.iter().take(10).enumerate() {
        assert_eq!(answer.header("x-ratelimit-limit"), Some("10"));
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some((9 - index).to_string().as_str())
        );
    }
    let refused = &answers[29];
    assert_eq!((refused.status, refused.code()), (429, 42901));
    assert_eq!(refused.json()["id"], 29, "a 429 carries the id");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 90
    );
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(
        gateway.post(ADMIN, &call(1, "read_a")).status,
        200,
        "identities do not share"
    );
    let record = gateway.record("a record of the refusal", |record| {
        record["event_type"] == "rate_limited"
    });
    assert_eq!(record["identity_id"], "key:reader");
}

#[test]
fn tool_limits_bind_their_tools_alone_and_denied_calls_are_charged() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url())
        .rate_limit("requests_per_second = 0.01\nburst_size = 6\n[[rate_limit.tool_limits]]\ntool_pattern = \"read_a\"\nrequests_per_second = 0.01\nburst_size = 2")
        .start();
    let status = |tool: &str| gateway.post(READER, &call(1, tool)).status;
    assert_eq!(
        [status("read_a"), status("read_a"), status("read_a")],
        [200, 200, 429]
    );
    assert_eq!(status("read_b"), 200);
    assert_eq!(
        [
            status("delete_all"),
            status("delete_all"),
            status("delete_all")
        ],
        [200; 3],
        "denied, and charged"
    );
    assert_eq!(status("read_b"), 429);
    assert_eq!(upstream.count(), 3);
}
