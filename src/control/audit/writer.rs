//! Moves bytes from the lanes to the sinks.

use std::io;
use std::sync::Arc;

use super::sink::{OpenError, Sink, whole_lines};
use crate::mailbox::AuditLane;

/// A buffer that was this full is given back to the system, so that an outage does not raise resident memory for good.
const KEEP_BYTES_MAX: usize = 1 << 20;

/// Lines that were taken from one source and are not in every sink yet.
#[derive(Debug)]
struct Source {
    lane: Option<Arc<AuditLane>>,
    taken: Vec<u8>,
}

/// Owns the sinks and what is on its way to them.
#[derive(Debug)]
pub(super) struct Writer {
    sinks: Vec<Sink>,
    /// Control's own records first, then one source a lane.
    sources: Vec<Source>,
    /// The source whose lines are partly written, if any: it is finished before another one is begun.
    current: Option<usize>,
}

/// A write that failed, and where.
#[derive(Debug)]
pub(super) struct WriteError {
    pub(super) sink: String,
    pub(super) cause: io::Error,
}

impl Writer {
    pub(super) fn new(lanes: &[Arc<AuditLane>], sinks: Vec<Sink>) -> Self {
        let own = Source {
            lane: None,
            taken: Vec::new(),
        };
        let lanes = lanes.iter().map(|lane| Source {
            lane: Some(Arc::clone(lane)),
            taken: lane.spare(),
        });
        Self {
            sinks,
            sources: std::iter::once(own).chain(lanes).collect(),
            current: None,
        }
    }

    /// Queues one of control's own lines.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.sources[0].taken.extend_from_slice(line);
    }

    /// Replaces the sinks. What is on its way goes to the new ones from the start of a line; a half-written line is cut off
    /// in the old ones.
    pub(super) fn set_sinks(&mut self, sinks: Vec<Sink>) {
        self.cut_half_line();
        let old = std::mem::replace(&mut self.sinks, sinks);
        let Some(index) = self.current.take() else {
            return;
        };
        let taken = &mut self.sources[index].taken;
        let everywhere = old.iter().map(Sink::written).min().unwrap_or(0);
        taken.drain(..whole_lines(&taken[..everywhere]));
    }

    /// Opens files again under their names; all are tried, the first error comes back.
    pub(super) fn reopen(&mut self) -> Result<(), OpenError> {
        let lines = self
            .current
            .map_or(&[][..], |index| &self.sources[index].taken);
        let results: Vec<_> = self
            .sinks
            .iter_mut()
            .map(|sink| sink.reopen(lines))
            .collect();
        results.into_iter().collect()
    }

    /// Takes what the lanes hold and writes it, until all is written or a sink fails. Returns the bytes finished.
    pub(super) fn flush(&mut self) -> (usize, Result<(), WriteError>) {
        let mut bytes = 0;
        let result = self.flush_into(&mut bytes);
        (bytes, result)
    }

    fn flush_into(&mut self, bytes: &mut usize) -> Result<(), WriteError> {
        if let Some(index) = self.current {
            *bytes += self.write(index)?;
        }
        for index in 0..self.sources.len() {
            // What was taken before comes first: after a failure a source may hold lines while its lane has newer ones.
            *bytes += self.write(index)?;
            self.sources[index].take();
            *bytes += self.write(index)?;
        }
        Ok(())
    }

    /// Bytes taken from lanes and not yet in every sink.
    pub(super) fn pending_bytes(&self) -> usize {
        self.sources.iter().map(|source| source.taken.len()).sum()
    }

    /// Cuts a half-written line off, before the process gives up on it.
    pub(super) fn cut_half_line(&mut self) {
        let Some(index) = self.current else { return };
        for sink in &mut self.sinks {
            sink.cut_half_line(&self.sources[index].taken);
        }
    }

    fn write(&mut self, index: usize) -> Result<usize, WriteError> {
        let lines = &self.sources[index].taken;
        if lines.is_empty() {
            return Ok(0);
        }
        self.current = Some(index);
        for sink in &mut self.sinks {
            sink.write(lines).map_err(|cause| WriteError {
                sink: sink.name(),
                cause,
            })?;
        }
        self.sinks.iter_mut().for_each(Sink::next_buffer);
        self.current = None;
        Ok(self.sources[index].clear())
    }
}

impl Source {
    fn take(&mut self) {
        if let (Some(lane), true) = (&self.lane, self.taken.is_empty()) {
            lane.take(&mut self.taken);
        }
    }

    fn clear(&mut self) -> usize {
        let bytes = self.taken.len();
        match &self.lane {
            Some(lane) if bytes > KEEP_BYTES_MAX => self.taken = lane.spare(),
            _ => self.taken.clear(),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use super::{Sink, Writer};
    use crate::mailbox::{AuditLane, AuditWriter, Doorbell, LaneBounds, Overflow};

    fn lanes() -> Vec<Arc<AuditLane>> {
        let bounds = LaneBounds {
            queued_bytes_max: 1 << 12,
            rooms_max: 8,
            record_bytes_max: 64,
        };
        let lane = || {
            Arc::new(AuditLane::new(
                bounds,
                Overflow::Refuse,
                Arc::new(Doorbell::default()),
            ))
        };
        vec![lane(), lane()]
    }

    fn put(lane: &Arc<AuditLane>, writer: &AuditWriter, line: &str) {
        assert!(
            writer
                .reserve()
                .unwrap()
                .write(|out| out.extend_from_slice(line.as_bytes()))
        );
        assert!(lane.queued_bytes() > 0);
    }

    #[test]
    fn all_lanes_reach_all_sinks() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().join("a"), dir.path().join("b")];
        let lanes = lanes();
        let sinks = paths
            .iter()
            .map(|path| Sink::file(path).unwrap().0)
            .collect();
        let mut writer = Writer::new(&lanes, sinks);
        let ends: Vec<_> = lanes
            .iter()
            .map(|lane| AuditWriter::claim(lane).unwrap())
            .collect();
        writer.push(b"own\n");
        put(&lanes[0], &ends[0], "zero\n");
        put(&lanes[1], &ends[1], "one\n");
        let (bytes, result) = writer.flush();
        assert!(result.is_ok());
        assert_eq!(bytes, 13);
        for path in paths {
            assert_eq!(std::fs::read_to_string(path).unwrap(), "own\nzero\none\n");
        }
    }

    #[test]
    fn nothing_is_lost_when_a_full_device_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        let lanes = lanes();
        let sinks = vec![
            Sink::file(&first).unwrap().0,
            Sink::file("/dev/full".as_ref()).unwrap().0,
        ];
        let mut writer = Writer::new(&lanes, sinks);
        let end = AuditWriter::claim(&lanes[0]).unwrap();
        put(&lanes[0], &end, "kept\n");
        assert!(writer.flush().1.is_err());
        put(&lanes[0], &end, "waiting\n");
        assert!(writer.flush().1.is_err());
        assert_eq!(
            writer.pending_bytes(),
            5,
            "while a sink fails, nothing more is taken from the lanes"
        );
        writer.set_sinks(vec![Sink::file(&second).unwrap().0]);
        assert!(writer.flush().1.is_ok());
        assert_eq!(std::fs::read_to_string(first).unwrap(), "kept\n");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "kept\nwaiting\n");
    }
}
