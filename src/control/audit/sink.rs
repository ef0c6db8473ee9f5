//! Where audit lines end up: a file or standard output.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::tail::{self, Tail};

/// An audit file that cannot be used.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, cause } = self;
        write!(
            f,
            "audit file {} cannot be opened: {cause}; make it writable for this user (audit.file)",
            path.display()
        )
    }
}

impl std::error::Error for OpenError {}

/// One destination of audit lines and how far it has come with the buffer that is being written.
#[derive(Debug)]
pub(super) struct Sink {
    target: Target,
    /// Bytes of the current buffer that this sink has.
    written: usize,
}

#[derive(Debug)]
enum Target {
    File {
        path: PathBuf,
        file: File,
    },
    Stdout,
    #[cfg(test)]
    Scripted(tests::Script),
}

impl Sink {
    /// Opens `path` for appending, creating it with mode 0600. A line that a crash left half written is ended, and what the
    /// file's last record says about the run before comes back.
    pub(super) fn file(path: &Path) -> Result<(Self, Tail), OpenError> {
        let (file, tail) = open(path).map_err(|cause| OpenError {
            path: path.to_owned(),
            cause,
        })?;
        Ok((
            Self::new(Target::File {
                path: path.to_owned(),
                file,
            }),
            tail,
        ))
    }

    /// Standard output.
    pub(super) fn stdout() -> Self {
        Self::new(Target::Stdout)
    }

    fn new(target: Target) -> Self {
        Self { target, written: 0 }
    }

    /// Writes what this sink still lacks of `lines`. After an error it goes on from the same byte.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        while self.written < lines.len() {
            match self.target.write(&lines[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The buffer is done everywhere; the next one begins.
    pub(super) fn next_buffer(&mut self) {
        self.written = 0;
    }

    /// Opens the file again under the same name, after somebody moved it away.
    ///
    /// Where a line of `lines` is half written, it is cut off in the old file and will be written whole into the new one.
    pub(super) fn reopen(&mut self, lines: &[u8]) -> Result<(), OpenError> {
        let Target::File { path, .. } = &self.target else {
            return Ok(());
        };
        let path = path.clone();
        let (fresh, _) = open(&path).map_err(|cause| OpenError {
            path: path.clone(),
            cause,
        })?;
        self.cut_half_line(lines);
        self.target = Target::File { path, file: fresh };
        Ok(())
    }

    /// Removes a half-written line from the end of the file, so that it is never left torn. Best effort on a failing disk:
    /// the next start ends such a line too.
    pub(super) fn cut_half_line(&mut self, lines: &[u8]) {
        let whole = whole_lines(&lines[..self.written]);
        let torn_bytes = (self.written - whole) as u64;
        if torn_bytes == 0 {
            return;
        }
        if let Target::File { file, .. } = &self.target
            && let Ok(metadata) = file.metadata()
            && metadata.is_file()
            && file
                .set_len(metadata.len().saturating_sub(torn_bytes))
                .is_ok()
        {
            self.written = whole;
        }
    }

    /// Bytes of the current buffer that this sink has.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// The file's path, or `standard output`.
    pub(super) fn name(&self) -> String {
        match &self.target {
            Target::File { path, .. } => path.display().to_string(),
            Target::Stdout => "standard output".to_owned(),
            #[cfg(test)]
            Target::Scripted(_) => "a script".to_owned(),
        }
    }
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Stdout => write_stdout(bytes),
            #[cfg(test)]
            Self::Scripted(script) => script.write(bytes),
        }
    }
}

/// Length of the whole lines at the start of `bytes`.
pub(super) fn whole_lines(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)
}

/// Standard output without the library's line buffer: what is reported as written has left the process.
fn write_stdout(bytes: &[u8]) -> io::Result<usize> {
    rustix::io::write(rustix::stdio::stdout(), bytes).map_err(io::Error::from)
}

fn open(path: &Path) -> io::Result<(File, Tail)> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .or_else(|error| {
            // A FIFO or a terminal cannot be read back; it is appended to all the same.
            let special = std::fs::metadata(path)
                .is_ok_and(|data| data.file_type().is_fifo() || data.file_type().is_char_device());
            if special {
                OpenOptions::new().append(true).open(path)
            } else {
                Err(error)
            }
        })?;
    let tail = if file.metadata()?.is_file() {
        tail::read(&file)?
    } else {
        Tail::Empty
    };
    if tail.is_torn() {
        file.write_all(b"\n")?;
    }
    Ok((file, tail))
}

#[cfg(test)]
mod tests;
