//! `hash-key`: the hash of a key that somebody has already. The key comes by standard input alone: the command line of a
//! process is open to every user.

use std::io::{IsTerminal as _, Read as _};

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::args::HashKeyArgs;
use crate::cli::failure::Failure;
use crate::engine::identity::{KEY_PREFIX, KeyHash};

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 1024;

/// Shortest key, in bytes: the prefix and 128 bits in base64.
const KEY_BYTES_MIN: usize = 4 + 22;

pub(super) fn run(args: &HashKeyArgs) -> Result<Answer, Failure> {
    let text = read()?;
    let hash = KeyHash::of(key(&text)?.as_bytes());
    Ok(if args.json {
        Answer::json(&json!({ "key_hash": hash.to_string() }))
    } else {
        Answer::text(format!("{hash}\n"))
    })
}

/// Standard input: a line of a terminal, else all of it.
fn read() -> Result<Zeroizing<String>, Failure> {
    let unreadable = |error: std::io::Error| Failure::File {
        path: "standard input".into(),
        cause: error.to_string(),
    };
    let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES_MAX + 2));
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!("Key, then Enter:");
        input.read_line(&mut text).map_err(unreadable)?;
    } else {
        input
            .lock()
            .take(KEY_BYTES_MAX as u64 + 2)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
    }
    Ok(text)
}

/// The key in `text`, without the one line break at its end.
fn key(text: &str) -> Result<&str, Failure> {
    let key = text.strip_suffix('\n').unwrap_or(text);
    let key = key.strip_suffix('\r').unwrap_or(key);
    let refuse = |reason| Err(Failure::NotAKey { reason });
    match key {
        "" => refuse("no key was given"),
        key if !key.starts_with(KEY_PREFIX) => refuse("text is not an API key"),
        key if key.len() > KEY_BYTES_MAX => refuse("key is longer than 1024 bytes"),
        key if key.len() < KEY_BYTES_MIN => refuse("key is too short to be secret"),
        key if !key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) =>
        {
            refuse("key has a character that no bearer token may have")
        }
        key => Ok(key),
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    const KEY: &str = "mcp_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn one_line_break_is_taken_off_and_nothing_else() {
        for text in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n")] {
            assert_eq!(key(&text).ok(), Some(KEY), "{text:?}");
        }
        for text in [
            format!("{KEY}\n\n"),
            format!(" {KEY}"),
            format!("{KEY} "),
            format!("{KEY}\nmore"),
        ] {
            assert!(key(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "\n",
            "secret",
            "MCP_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "mcp_short",
        ] {
            assert!(key(text).is_err(), "{text:?}");
        }
        assert!(key(&format!("mcp_{}", "a".repeat(2000))).is_err());
    }
}
