//! Schemes that programs claim.
//!
//! RFC 8252 §7.1 wants reversed domain names (`com.example.app`), but what people use is called `vscode` and `cursor`. So any
//! scheme is one, save those with which a browser or a system does something itself: runs a script, opens a file, starts a
//! program with arguments, shows a page of its own.

/// Longest scheme, in bytes.
const SCHEME_BYTES_MAX: usize = 64;

/// Schemes that mean something to browsers and systems.
const REFUSED: [&str; 63] = [
    "about",
    "acap",
    "afp",
    "android-app",
    "blob",
    "brave",
    "cap",
    "chrome",
    "chrome-devtools",
    "chrome-error",
    "chrome-extension",
    "chrome-search",
    "chrome-untrusted",
    "cid",
    "content",
    "data",
    "dav",
    "devtools",
    "dict",
    "dns",
    "edge",
    "facetime",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "gopher",
    "http",
    "https",
    "imap",
    "intent",
    "isolated-app",
    "jar",
    "javascript",
    "ldap",
    "ldaps",
    "livescript",
    "magnet",
    "mailto",
    "mhtml",
    "mocha",
    "moz-extension",
    "news",
    "nfs",
    "nntp",
    "opera",
    "res",
    "resource",
    "rtsp",
    "safari-web-extension",
    "sftp",
    "shell",
    "sip",
    "sips",
    "sms",
    "smb",
    "ssh",
    "tel",
    "telnet",
    "vbscript",
    "ws",
    "wss",
];

/// Families of such schemes: each member starts a program of the system, or shows something else than it says.
const REFUSED_BEGINNINGS: [&str; 7] = [
    "itms",
    "microsoft-edge",
    "ms-",
    "search-ms",
    "view-source",
    "webcal",
    "x-apple",
];

/// Whether a program may claim `scheme`: a scheme in lower case (RFC 3986 §3.1) that means nothing else.
pub(super) fn is_app_scheme(scheme: &str) -> bool {
    let is_named =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    (2..=SCHEME_BYTES_MAX).contains(&scheme.len())
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(is_named)
        && !is_refused(scheme)
}

fn is_refused(scheme: &str) -> bool {
    REFUSED.contains(&scheme)
        || REFUSED_BEGINNINGS
            .iter()
            .any(|beginning| scheme.starts_with(beginning))
}
