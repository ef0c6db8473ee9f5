//! Many open streams with nothing on them: what does one cost in memory?

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::net::{Address, Stream};

use super::Template;

/// Longest wait for a stream's first event.
const WAIT: Duration = Duration::from_secs(5);

/// Longest wait for all of them.
const WAIT_ALL: Duration = Duration::from_secs(30);

/// Opens `count` streams one after the other and gives them back once each has had its first event.
///
/// Errors: the first stream that is refused or stays silent, with its number, or how many there were when the time was over.
pub(crate) fn open(
    address: &Address,
    template: &Template,
    count: usize,
) -> io::Result<Vec<Stream>> {
    let deadline = Instant::now() + WAIT_ALL;
    let in_time = |_: &usize| Instant::now() < deadline;
    let streams: io::Result<Vec<_>> = (0..count)
        .take_while(in_time)
        .map(|number| open_one(address, template, number))
        .collect();
    let streams = streams?;
    match streams.len() {
        opened if opened == count => Ok(streams),
        opened => Err(io::Error::other(format!(
            "{opened} of {count} streams were open after {WAIT_ALL:?}"
        ))),
    }
}

fn open_one(address: &Address, template: &Template, number: usize) -> io::Result<Stream> {
    let mut stream = Stream::connect_blocking(address, WAIT)?;
    let mut request = Vec::new();
    template.number(number as u64, &mut request);
    stream.write_all(&request)?;
    let (mut received, mut scratch) = (Vec::new(), [0; 4096]);
    while memmem::find(&received, b"data: ").is_none() {
        let len = stream.read(&mut scratch)?;
        received.extend_from_slice(&scratch[..len]);
        if len == 0 || !received.starts_with(b"HTTP/1.1 200") {
            let text = String::from_utf8_lossy(&received).into_owned();
            return Err(io::Error::other(format!(
                "stream {number} was refused: {text}"
            )));
        }
    }
    Ok(stream)
}
