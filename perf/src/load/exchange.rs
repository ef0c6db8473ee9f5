//! One request and its answer, waited for: readiness probes and checks that need no speed.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::http::answer::AnswerReader;
use crate::net::{Address, Stream};

use super::Template;
use super::expectation::{Expectation, Fault};

/// Longest wait for a connection, and for each read.
const WAIT: Duration = Duration::from_secs(2);

/// Sends `request` on a connection of its own and reads the whole answer.
pub(crate) fn exchange(address: &Address, request: &[u8]) -> io::Result<AnswerReader> {
    let mut stream = Stream::connect_blocking(address, WAIT)?;
    stream.write_all(request)?;
    let (mut answer, mut scratch) = (AnswerReader::default(), vec![0; 64 * 1024]);
    loop {
        let len = stream.read(&mut scratch)?;
        let complete = match len {
            0 => answer.feed_end().map(|()| true),
            _ => answer.feed(&scratch[..len]),
        };
        if complete.map_err(|malformed| io::Error::other(format!("{malformed:?}")))? {
            return Ok(answer);
        }
    }
}

/// Sends one request made from `template` and judges the answer.
pub(crate) fn check_one(
    address: &Address,
    template: &Template,
    expectation: Expectation,
) -> Result<(), Fault> {
    let mut request = Vec::new();
    let id = template.number(0, &mut request);
    let answer = exchange(address, &request).map_err(|_| Fault::Missing)?;
    expectation.check(&answer, id)
}
