//! What can be wrong with the files that `[server.tls]` and https upstreams name.

use std::fmt;

use super::Severity;

/// Something wrong, or worth a warning, with certificates, keys and revocation lists. Never holds a byte of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// A file cannot be read.
    Unreadable {
        /// Its path.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// A file is too large to be what it should be.
    TooLarge {
        /// Its path.
        path: String,
        /// Largest size, in bytes.
        bytes_max: usize,
    },
    /// What is in a file cannot be used.
    Unusable {
        /// Its path.
        path: String,
        /// What is wrong with it.
        fault: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The system has no certificate authorities to trust.
    NoSystemRoots {
        /// What the system says.
        cause: String,
    },
    /// Warning: a certificate or a revocation list is past its end.
    Ended {
        /// Which of them.
        what: &'static str,
        /// Path of its file.
        path: String,
        /// When it ended.
        at: String,
    },
    /// Warning: a certificate ends before long.
    EndsSoon {
        /// Path of its file.
        path: String,
        /// When it ends.
        at: String,
    },
    /// Warning: a certificate has not begun.
    NotYetValid {
        /// Path of its file.
        path: String,
        /// When it begins.
        at: String,
    },
}

impl TlsProblem {
    /// How bad it is. A gateway with a certificate that has ended starts: clients that check are turned away by themselves.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Ended { .. } | Self::EndsSoon { .. } | Self::NotYetValid { .. } => {
                Severity::Warning
            }
            _ => Severity::Error,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls_file_unreadable",
            Self::TooLarge { .. } => "tls_file_too_large",
            Self::Unusable { .. } => "tls_file_unusable",
            Self::NoSystemRoots { .. } => "no_system_roots",
            Self::Ended { .. } => "certificate_ended",
            Self::EndsSoon { .. } => "certificate_ends_soon",
            Self::NotYetValid { .. } => "certificate_not_yet_valid",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "correct the path, or let the user that the gateway runs as read the file"
            }
            Self::TooLarge { .. } => "name a file with nothing but certificates, keys or lists",
            Self::Unusable { remedy, .. } => remedy,
            Self::NoSystemRoots { .. } => {
                "install the system's certificate authorities (ca-certificates), or set tls_ca_path"
            }
            Self::Ended { .. } | Self::EndsSoon { .. } => {
                "renew it and replace the file; the gateway notices by itself"
            }
            Self::NotYetValid { .. } => "check the clock of this host, or use another certificate",
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, cause } => write!(f, "file {path} cannot be read: {cause}"),
            Self::TooLarge { path, bytes_max } => {
                write!(f, "file {path} is larger than {bytes_max} bytes")
            }
            Self::Unusable { path, fault, .. } => write!(f, "file {path}: {fault}"),
            Self::NoSystemRoots { cause } => {
                write!(f, "system has no certificate authorities: {cause}")
            }
            Self::Ended { what, path, at } => write!(f, "{what} in {path} ended at {at}"),
            Self::EndsSoon { path, at } => write!(f, "certificate in {path} ends at {at}"),
            Self::NotYetValid { path, at } => {
                write!(f, "certificate in {path} is not valid before {at}")
            }
        }
    }
}
