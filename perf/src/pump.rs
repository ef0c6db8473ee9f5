//! The byte pump: two sockets, bytes moved between them, nothing parsed. What a proxy costs that does no work of its own.

use std::io;

use crate::failure::Failure;
use crate::net::{Address, Listener, Stream};
use crate::os::{Epoll, Events, Interest};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 64 * 1024;

/// Token of the listener; the two sides of pair `n` have `2n` and `2n + 1`.
const LISTENER: u64 = u64::MAX;

/// Options of the pump.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen: 127.0.0.1:PORT or unix:/path.
    #[arg(long)]
    listen: String,
    /// Where the bytes go.
    #[arg(long)]
    target: String,
}

/// Pumps until the process ends.
pub(crate) fn serve(args: &Args) -> Result<(), Failure> {
    crate::os::open_files_to_the_maximum().map_err(Failure::io("descriptor limit"))?;
    let (listen, target) = (args.listen.parse()?, args.target.parse()?);
    Pump::bind(&listen, target)
        .and_then(Pump::run)
        .map_err(Failure::io("pump"))
}

struct Pump {
    epoll: Epoll,
    listener: Listener,
    target: Address,
    pairs: Vec<Option<[Side; 2]>>,
    vacant: Vec<usize>,
    scratch: Vec<u8>,
}

/// One socket and the bytes that wait to be written to it.
struct Side {
    stream: Stream,
    waiting: Vec<u8>,
    interest: Interest,
}

impl Side {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            waiting: Vec::new(),
            interest: Interest::Read,
        }
    }

    /// Writes what waits and then `bytes`; keeps the rest. Order is kept because nothing overtakes what waits.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.waiting.is_empty() {
            let sent = self.stream.write_now(&self.waiting)?.unwrap_or(0);
            self.waiting.drain(..sent);
        }
        let sent = match bytes {
            [] => 0,
            _ if self.waiting.is_empty() => self.stream.write_now(bytes)?.unwrap_or(0),
            _ => 0,
        };
        self.waiting.extend_from_slice(&bytes[sent..]);
        Ok(())
    }
}

impl Pump {
    fn bind(listen: &Address, target: Address) -> io::Result<Self> {
        let (epoll, listener) = (Epoll::new()?, Listener::bind(listen)?);
        epoll.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self {
            epoll,
            listener,
            target,
            pairs: Vec::new(),
            vacant: Vec::new(),
            scratch: vec![0; READ_BYTES],
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            self.epoll.wait(&mut events, None)?;
            for ready in events.ready() {
                if ready.token == LISTENER {
                    self.accept()?;
                } else {
                    self.drive(ready.token, ready.readable);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some(client) = self.listener.accept()? {
            let pair = self.vacant.pop().unwrap_or(self.pairs.len());
            let server = Stream::connect(&self.target)?;
            self.epoll.add(&client, 2 * pair as u64, Interest::Read)?;
            self.epoll
                .add(&server, 2 * pair as u64 + 1, Interest::Read)?;
            if pair == self.pairs.len() {
                self.pairs.push(None);
            }
            self.pairs[pair] = Some([Side::new(client), Side::new(server)]);
        }
        Ok(())
    }

    fn drive(&mut self, token: u64, readable: bool) {
        let (Ok(pair), side) = (usize::try_from(token / 2), token % 2) else {
            return;
        };
        let Some(Some(sides)) = self.pairs.get_mut(pair) else {
            return;
        };
        let [client, server] = sides;
        let (from, to) = if side == 0 {
            (client, server)
        } else {
            (server, client)
        };
        let stays = move_bytes(from, to, readable, &mut self.scratch);
        let stays = stays.and_then(|stays| watch(&self.epoll, sides, pair).map(|()| stays));
        if !stays.unwrap_or(false) {
            self.pairs[pair] = None;
            self.vacant.push(pair);
        }
    }
}

/// Writes what waits for `from`'s own socket, then moves what it has to `to`. False once it has ended.
fn move_bytes(
    from: &mut Side,
    to: &mut Side,
    readable: bool,
    scratch: &mut [u8],
) -> io::Result<bool> {
    from.send(&[])?;
    if !readable || !to.waiting.is_empty() {
        return Ok(true);
    }
    match from.stream.read_now(scratch)? {
        None => Ok(true),
        Some(0) => Ok(false),
        Some(len) => to.send(&scratch[..len]).map(|()| true),
    }
}

/// A side is not read while the other has bytes waiting, so that nothing grows.
fn watch(epoll: &Epoll, sides: &mut [Side; 2], pair: usize) -> io::Result<()> {
    let waiting = [!sides[0].waiting.is_empty(), !sides[1].waiting.is_empty()];
    for (index, side) in sides.iter_mut().enumerate() {
        let wanted = match (waiting[index], waiting[1 - index]) {
            (false, false) => Interest::Read,
            (true, false) => Interest::ReadWrite,
            (true, true) => Interest::Write,
            (false, true) => Interest::Nothing,
        };
        if wanted != side.interest {
            side.interest = wanted;
            epoll.change(&side.stream, 2 * pair as u64 + index as u64, wanted)?;
        }
    }
    Ok(())
}
