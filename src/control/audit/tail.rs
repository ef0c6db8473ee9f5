//! What the end of an audit file says about the run before.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use serde_json::Value;

/// How much of the end is read: more than the longest record.
const TAIL_BYTES: u64 = 64 << 10;

/// The end of an audit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing was written yet.
    Empty,
    /// The last record says that the process stopped in order.
    Stopped,
    /// Records follow the last stop: the process was killed, or the machine was.
    Unclean {
        /// Whether the last line has no end.
        torn: bool,
    },
}

impl Tail {
    pub(super) const fn is_torn(self) -> bool {
        matches!(self, Self::Unclean { torn: true })
    }
}

/// Reads the end of `file`. Costs one read of at most 64 KiB.
pub(super) fn read(file: &File) -> io::Result<Tail> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL_BYTES);
    let mut end = vec![0; (length - start) as usize];
    file.read_exact_at(&mut end, start)?;
    Ok(judge(&end))
}

fn judge(end: &[u8]) -> Tail {
    let Some((last, lines)) = end.split_last() else {
        return Tail::Empty;
    };
    if *last != b'\n' {
        return Tail::Unclean { torn: true };
    }
    let line = lines
        .rsplit(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    if is_stop(line) {
        Tail::Stopped
    } else {
        Tail::Unclean { torn: false }
    }
}

fn is_stop(line: &[u8]) -> bool {
    let record: Value = serde_json::from_slice(line).unwrap_or_default();
    record["event_type"] == "lifecycle" && record["message"] == super::lifecycle::STOP
}

#[cfg(test)]
mod tests {
    use super::{Tail, judge};

    #[test]
    fn only_a_stop_record_at_the_very_end_is_a_clean_stop() {
        let stop = "{\"event_type\":\"lifecycle\",\"message\":\"stop\"}\n";
        let call = "{\"event_type\":\"tool_call\",\"message\":\"stop\"}\n";
        let rows = [
            (String::new(), Tail::Empty),
            (stop.to_owned(), Tail::Stopped),
            (format!("{call}{stop}"), Tail::Stopped),
            (call.to_owned(), Tail::Unclean { torn: false }),
            (format!("{stop}{call}"), Tail::Unclean { torn: false }),
            (
                format!("{stop}{}", &call[..9]),
                Tail::Unclean { torn: true },
            ),
            (stop.trim_end().to_owned(), Tail::Unclean { torn: true }),
            ("not json\n".to_owned(), Tail::Unclean { torn: false }),
            ("\n".to_owned(), Tail::Unclean { torn: false }),
        ];
        for (text, expected) in rows {
            assert_eq!(judge(text.as_bytes()), expected, "{text:?}");
        }
    }
}
