#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use super::{Sink, Target};

/// A sink that does what a list says: accept so many bytes, or fail.
#[derive(Debug)]
pub(super) struct Script {
    steps: VecDeque<Result<usize, io::ErrorKind>>,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Script {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = self
            .steps
            .pop_front()
            .unwrap_or(Ok(usize::MAX))?
            .min(bytes.len());
        self.received
            .lock()
            .unwrap()
            .extend_from_slice(&bytes[..step]);
        Ok(step)
    }
}

fn scripted(steps: &[Result<usize, io::ErrorKind>]) -> (Sink, Arc<Mutex<Vec<u8>>>) {
    let received = Arc::default();
    let script = Script {
        steps: steps.iter().copied().collect(),
        received: Arc::clone(&received),
    };
    (Sink::new(Target::Scripted(script)), received)
}

#[test]
fn a_write_that_fails_half_way_goes_on_from_the_same_byte() {
    use io::ErrorKind::{Interrupted, StorageFull};
    let lines = b"first line\nsecond line\n";
    let (mut sink, received) = scripted(&[
        Ok(3),
        Err(Interrupted),
        Ok(9),
        Err(StorageFull),
        Err(StorageFull),
        Ok(1),
    ]);
    assert_eq!(sink.write(lines).unwrap_err().kind(), StorageFull);
    assert_eq!(sink.write(lines).unwrap_err().kind(), StorageFull);
    sink.write(lines).unwrap();
    sink.write(lines).unwrap();
    assert_eq!(*received.lock().unwrap(), lines);
    sink.next_buffer();
    sink.write(b"third\n").unwrap();
    assert!(received.lock().unwrap().ends_with(b"line\nthird\n"));
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    Sink::file(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_missing_folder_is_an_error_that_names_path_and_key() {
    let error = Sink::file("/nonexistent/audit.jsonl".as_ref())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/nonexistent/audit.jsonl") && error.contains("audit.file"),
        "{error}"
    );
}

#[test]
fn a_line_that_a_crash_tore_is_ended_before_anything_is_added() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    std::fs::write(&path, "{\"a\":1}\n{\"b\":").unwrap();
    let (mut sink, _) = Sink::file(&path).unwrap();
    sink.write(b"{\"c\":3}\n").unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\"a\":1}\n{\"b\":\n{\"c\":3}\n"
    );
}

#[test]
fn reopening_moves_a_half_written_line_whole_into_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (
        dir.path().join("audit.jsonl"),
        dir.path().join("audit.jsonl.1"),
    );
    let lines = b"first\nsecond\n";
    let (mut sink, _) = Sink::file(&path).unwrap();
    sink.write(&lines[..9]).unwrap();
    std::fs::rename(&path, &moved).unwrap();
    sink.reopen(lines).unwrap();
    sink.write(lines).unwrap();
    assert_eq!(std::fs::read(&moved).unwrap(), b"first\n");
    assert_eq!(std::fs::read(&path).unwrap(), b"second\n");
}

#[test]
fn a_failed_reopen_keeps_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, moved) = (dir.path().join("logs"), dir.path().join("old"));
    std::fs::create_dir(&folder).unwrap();
    let (mut sink, _) = Sink::file(&folder.join("audit.jsonl")).unwrap();
    std::fs::rename(&folder, &moved).unwrap();
    assert!(sink.reopen(b"").is_err());
    sink.write(b"still here\n").unwrap();
    assert_eq!(
        std::fs::read(moved.join("audit.jsonl")).unwrap(),
        b"still here\n"
    );
}

#[test]
fn a_device_that_is_full_is_an_error_and_not_a_loss() {
    let (mut sink, _) = Sink::file("/dev/full".as_ref()).unwrap();
    assert_eq!(
        sink.write(b"line\n").unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
}
