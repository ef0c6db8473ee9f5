//! From a configured command to one that can be started.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, io};

use crate::engine::snapshot::ChildCommand;

/// Variables of the gateway that a child gets too, beside every `LC_*`. Everything else stays here: keys and tokens of the
/// gateway are in its environment.
const INHERITED: [&str; 8] = [
    "PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL",
];

/// The command of one child: clean environment, every standard stream piped.
pub(super) fn command(child: &ChildCommand) -> Command {
    let mut command = Command::new(&*child.command);
    command
        .args(child.args.iter().map(|argument| &**argument))
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| is_inherited(name)))
        .envs(variables(child))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = &child.cwd {
        command.current_dir(folder);
    }
    command
}

fn variables(child: &ChildCommand) -> impl Iterator<Item = (OsString, OsString)> {
    child
        .env
        .iter()
        .map(|(name, value)| ((&**name).into(), value.as_str().into()))
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| INHERITED.contains(&name) || name.starts_with("LC_"))
}

/// Why a child could not be started, with the remedy.
#[derive(Debug)]
pub(super) enum SpawnError {
    /// The program is not there.
    NotFound(Box<str>),
    /// The working directory is not there.
    NoFolder(Box<str>),
    /// The program or the directory may not be used.
    Forbidden(Box<str>),
    /// The kernel has no room for another process or descriptor.
    Exhausted(io::Error),
    /// Anything else that the kernel says.
    Refused(Box<str>, io::Error),
}

impl SpawnError {
    /// What `error` means for `child`.
    pub(super) fn new(child: &ChildCommand, error: io::Error) -> Self {
        let lost = child.cwd.as_deref().filter(|folder| !folder.is_dir());
        match (error.kind(), lost) {
            (_, Some(folder)) => Self::NoFolder(shown(folder)),
            (io::ErrorKind::NotFound, _) => Self::NotFound(child.command.clone()),
            (io::ErrorKind::PermissionDenied, _) => Self::Forbidden(child.command.clone()),
            _ if is_exhaustion(&error) => Self::Exhausted(error),
            _ => Self::Refused(child.command.clone(), error),
        }
    }
}

fn shown(path: &Path) -> Box<str> {
    path.display().to_string().into()
}

fn is_exhaustion(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
    )
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(program) => write!(
                f,
                "command `{program}` is not found; install it, give its full path, or set PATH in upstream.env"
            ),
            Self::NoFolder(folder) => {
                write!(
                    f,
                    "working directory `{folder}` is not there; create it or change upstream.cwd"
                )
            }
            Self::Forbidden(program) => write!(
                f,
                "command `{program}` or its working directory may not be used by this user; check permissions and the executable bit"
            ),
            Self::Exhausted(error) => write!(
                f,
                "there is no room for another process: {error}; raise the limits of processes, files or memory, or lower server.limits.children"
            ),
            Self::Refused(program, error) => {
                write!(f, "command `{program}` does not start: {error}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::ffi::OsStr;

    use super::super::testing::shell;
    use super::{SpawnError, command, is_inherited};

    #[test]
    fn keys_of_the_gateway_stay_in_its_own_environment() {
        for name in ["PATH", "HOME", "LC_ALL", "LC_TIME", "TMPDIR"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in [
            "MCP_GUARD_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "PATHS",
            "path",
            "LC",
            "LD_PRELOAD",
            "SSH_AUTH_SOCK",
        ] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn configured_variables_win_over_inherited_ones() {
        let mut child = shell("");
        child.env.push(("PATH".into(), "/own".to_owned().into()));
        let command = command(&child);
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        assert_eq!(path, Some((OsStr::new("PATH"), Some(OsStr::new("/own")))));
    }

    #[test]
    fn what_does_not_start_says_why_and_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let nowhere = Some(std::path::PathBuf::from("/nonexistent"));
        let rows = [
            ("no-such-program", None, "is not found; install it"),
            (file.path().to_str().unwrap(), None, "check permissions"),
            ("/bin/sh", nowhere, "`/nonexistent` is not there; create it"),
        ];
        for (program, cwd, words) in rows {
            let mut child = shell("");
            (child.command, child.cwd) = (program.into(), cwd);
            let error = command(&child).spawn().unwrap_err();
            let said = SpawnError::new(&child, error).to_string();
            assert!(said.contains(words), "{said}");
        }
    }
}
