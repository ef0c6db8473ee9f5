//! The load loop: sends when the pace says so, judges what comes, counts between two points in time.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crate::os::{Epoll, Events};

use super::client::{Client, InFlight, Outcome};
use super::pace::Schedule;
use super::report::{Report, Tally};
use super::{Pace, Plan};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 256 * 1024;

/// Time that answers still in flight at the end are given.
const DRAIN: Duration = Duration::from_secs(5);

/// A run in progress.
pub(crate) struct Runner<'a> {
    plan: &'a Plan,
    epoll: Epoll,
    clients: Vec<Client>,
    free: Vec<usize>,
    /// Requests that were due while every connection was taken, oldest first.
    backlog: VecDeque<Instant>,
    schedule: Option<Schedule>,
    tally: Tally,
    requests: u64,
    draining: bool,
    scratch: Vec<u8>,
}

impl<'a> Runner<'a> {
    /// Readies a run; nothing is sent yet.
    pub(crate) fn new(plan: &'a Plan) -> io::Result<Self> {
        Ok(Self {
            plan,
            epoll: Epoll::new()?,
            clients: (0..plan.connections as u64)
                .map(|token| Client::new(token, plan.template.closes()))
                .collect(),
            free: (0..plan.connections).rev().collect(),
            backlog: VecDeque::new(),
            schedule: None,
            tally: Tally::new(),
            requests: 0,
            draining: false,
            scratch: vec![0; READ_BYTES],
        })
    }

    /// Warms up, counts, waits for the last answers.
    pub(crate) fn run(mut self) -> io::Result<Report> {
        let start = Instant::now();
        if let Pace::Open { per_second } = self.plan.pace {
            self.schedule = Some(Schedule::new(start, per_second));
        }
        self.turn_until(start + self.plan.warm_up)?;
        self.tally.forget_answers();
        let (counted_from, cpu_from) = (Instant::now(), self.cpu_ns());
        self.turn_until(counted_from + self.plan.duration)?;
        let cpu_ns = self
            .cpu_ns()
            .zip(cpu_from)
            .map(|(to, from)| to.saturating_sub(from));
        let seconds = counted_from.elapsed().as_secs_f64();
        let rss_bytes = self.plan.process.map(|process| process.rss_bytes());
        let mut report = Report::new(&self.tally, self.plan.units, seconds, cpu_ns, rss_bytes);
        self.drain()?;
        report.close(&self.tally);
        Ok(report)
    }

    fn cpu_ns(&self) -> Option<u64> {
        self.plan.process.map(|process| process.cpu_ns())
    }

    fn turn_until(&mut self, end: Instant) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.send_due(now)?;
            let wake = self
                .schedule
                .as_ref()
                .map_or(end, |schedule| schedule.next_due().min(end));
            self.turn(&mut events, wake)?;
        }
    }

    fn drain(&mut self) -> io::Result<()> {
        let (end, mut events) = (Instant::now() + DRAIN, Events::new());
        self.draining = true;
        while self.free.len() < self.clients.len() && Instant::now() < end {
            self.turn(&mut events, end)?;
        }
        for fault in self.clients.iter_mut().filter_map(Client::abandon) {
            self.tally.fault(fault);
        }
        Ok(())
    }

    fn turn(&mut self, events: &mut Events, wake: Instant) -> io::Result<()> {
        self.epoll
            .wait(events, Some(wake.saturating_duration_since(Instant::now())))?;
        for ready in events.ready() {
            // Tokens are slot numbers.
            let slot = ready.token as usize;
            let outcome =
                self.clients[slot].ready(ready.writable, &self.epoll, &mut self.scratch)?;
            self.settle(slot, outcome)?;
        }
        Ok(())
    }

    fn settle(&mut self, slot: usize, outcome: Outcome) -> io::Result<()> {
        match outcome {
            Outcome::Waiting => return Ok(()),
            Outcome::Answered(in_flight) => self.judge(slot, in_flight),
            Outcome::Ended => {}
            Outcome::Failed(fault) => self.tally.fault(fault),
        }
        if self.clients[slot].is_free() {
            self.reuse(slot)
        } else {
            Ok(())
        }
    }

    fn judge(&mut self, slot: usize, in_flight: InFlight) {
        match self
            .plan
            .expectation
            .check(self.clients[slot].answer(), in_flight.id)
        {
            Ok(()) => self.tally.answer(in_flight.since.elapsed()),
            Err(fault) => self.tally.fault(fault),
        }
    }

    /// A slot has become free: it takes the next request at once, or waits for one.
    fn reuse(&mut self, slot: usize) -> io::Result<()> {
        if self.draining {
            self.free.push(slot);
            return Ok(());
        }
        match self.plan.pace {
            Pace::Closed => self.send(slot, Instant::now()),
            Pace::Open { .. } => match self.backlog.pop_front() {
                Some(due) => self.send(slot, due),
                None => {
                    self.free.push(slot);
                    Ok(())
                }
            },
        }
    }

    fn send_due(&mut self, now: Instant) -> io::Result<()> {
        let Some(schedule) = &mut self.schedule else {
            return std::mem::take(&mut self.free)
                .into_iter()
                .try_for_each(|slot| self.send(slot, now));
        };
        while let Some(due) = schedule.take_due(now) {
            self.backlog.push_back(due);
        }
        while !self.backlog.is_empty() {
            let Some(slot) = self.free.pop() else { break };
            let Some(due) = self.backlog.pop_front() else {
                break;
            };
            self.send(slot, due)?;
        }
        Ok(())
    }

    fn send(&mut self, slot: usize, since: Instant) -> io::Result<()> {
        let (plan, number) = (self.plan, self.requests);
        self.requests += 1;
        self.clients[slot].send(&plan.address, &self.epoll, since, |copy| {
            plan.template.number(number, copy)
        })
    }
}
