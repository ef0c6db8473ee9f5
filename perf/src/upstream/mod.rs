//! The fixture upstream: an MCP server of one thread that answers as fast as a socket allows.
//!
//! What a call returns is chosen by the request, so that one fixture serves every scenario: see [`answers`].

mod answers;
mod connection;
mod outbound;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::net::{Address, Listener};
use crate::os::{Epoll, Events, Interest};

use answers::Library;
use connection::{Connection, Next};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 256 * 1024;

/// Token of the listener; connections have those from 0.
const LISTENER: u64 = u64::MAX;

/// Options of the fixture.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen: 127.0.0.1:PORT or unix:/path.
    #[arg(long, default_value = "127.0.0.1:4100")]
    listen: String,
    /// Tools in a list when the path does not say (`/tools/N` does).
    #[arg(long, default_value_t = 10)]
    tools: usize,
    /// Bytes of a call's answer when the tool's name does not say (`bytes_N` does).
    #[arg(long, default_value_t = 320)]
    size: usize,
    /// Run on this core only.
    #[arg(long)]
    core: Option<usize>,
}

/// Serves until the process ends.
pub(crate) fn serve(args: &Args) -> Result<(), Failure> {
    crate::os::open_files_to_the_maximum().map_err(Failure::io("descriptor limit"))?;
    crate::os::sharpen_timers();
    if let Some(core) = args.core {
        crate::os::pin(core).map_err(Failure::io(format!("core {core}")))?;
    }
    let address: Address = args.listen.parse()?;
    let library = Library::new(args.tools, args.size);
    let fixture = Fixture::bind(&address, library).map_err(Failure::io(args.listen.clone()))?;
    fixture.run().map_err(Failure::io("fixture"))
}

struct Fixture {
    epoll: Epoll,
    listener: Listener,
    library: Library,
    connections: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    /// When a paced stream owes its next event, earliest first.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    scratch: Vec<u8>,
}

impl Fixture {
    fn bind(address: &Address, library: Library) -> io::Result<Self> {
        let (epoll, listener) = (Epoll::new()?, Listener::bind(address)?);
        epoll.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self {
            epoll,
            listener,
            library,
            connections: Vec::new(),
            vacant: Vec::new(),
            due: BinaryHeap::new(),
            scratch: vec![0; READ_BYTES],
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            self.epoll.wait(&mut events, self.until_due())?;
            for ready in events.ready() {
                match usize::try_from(ready.token) {
                    _ if ready.token == LISTENER => self.accept()?,
                    Ok(slot) => self.drive(slot, |connection, library, scratch| {
                        connection.ready(ready.readable, library, scratch)
                    }),
                    Err(_) => {}
                }
            }
            self.send_due_events();
        }
    }

    fn until_due(&self) -> Option<Duration> {
        let Reverse((due, _)) = self.due.peek()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some(stream) = self.listener.accept()? {
            let slot = self.vacant.pop().unwrap_or(self.connections.len());
            self.epoll.add(&stream, slot as u64, Interest::Read)?;
            if slot == self.connections.len() {
                self.connections.push(None);
            }
            self.connections[slot] = Some(Connection::new(stream));
        }
        Ok(())
    }

    /// Lets the connection in `slot` act, then does what it asks for; a broken one is dropped.
    fn drive<F>(&mut self, slot: usize, act: F)
    where
        F: FnOnce(&mut Connection, &mut Library, &mut [u8]) -> io::Result<Next>,
    {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let next = act(connection, &mut self.library, &mut self.scratch);
        let stays = next.and_then(|next| {
            if let Next::At(due) = next {
                self.due.push(Reverse((due, slot)));
            }
            let change = connection.interest_change();
            change.map_or(Ok(()), |interest| {
                self.epoll
                    .change(connection.stream(), slot as u64, interest)
            })?;
            Ok(next != Next::Close)
        });
        if !stays.unwrap_or(false) {
            self.connections[slot] = None;
            self.vacant.push(slot);
        }
    }

    fn send_due_events(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((due, slot))) =
            self.due.peek().filter(|Reverse((due, _))| *due <= now)
        {
            self.due.pop();
            self.drive(slot, |connection, _, _| connection.event_due(due));
        }
    }
}
