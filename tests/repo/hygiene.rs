//! What no tracked file may hold.

use crate::files;

/// Longest source file, in lines.
const SOURCE_LINES_MAX: usize = 700;

/// What is written by machines, and says what it must.
const GENERATED: [&str; 2] = ["Cargo.lock", "tests/fuzz/Cargo.lock"];

/// Each place where a tracked text file has one of `words`, judged by `is_word`.
fn places(words: &[String], is_word: fn(before: Option<char>) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files::all() {
        let Ok(text) = std::fs::read_to_string(files::root().join(&file)) else {
            continue;
        };
        if GENERATED.contains(&file.as_str()) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for word in words {
                if has_word(line, word, is_word) {
                    found.push(format!("{file}:{}: {word}", index + 1));
                }
            }
        }
    }
    found
}

fn has_word(line: &str, word: &str, is_word: fn(Option<char>) -> bool) -> bool {
    line.match_indices(word)
        .any(|(at, _)| is_word(line[..at].chars().next_back()))
}

/// Words are put together here, so that this file does not hold them.
fn join(parts: &[[&str; 2]]) -> Vec<String> {
    parts.iter().map(|pair| pair.concat()).collect()
}

#[test]
fn nothing_is_left_to_do() {
    let words = join(&[
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["unimple", "mented!"],
    ]);
    let found = places(&words, |before| {
        !before.is_some_and(|letter| letter.is_alphanumeric())
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// A path begins where nothing of a path stands before it.
fn begins_path(before: Option<char>) -> bool {
    !before.is_some_and(|letter| letter.is_alphanumeric() || "._-/~}$*".contains(letter))
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let words = join(&[
        ["/wo", "rk/"],
        ["/tmp/", "wt"],
        ["/tmp/", "target"],
        ["/ro", "ot/"],
    ]);
    let found = places(&words, begins_path);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_file_names_the_host_of_a_package_registry() {
    let words = join(&[
        ["crates", ".io"],
        ["registry.", "npmjs"],
        ["py", "pi.org"],
        ["pythonhosted", ".org"],
        ["deb.", "debian.org"],
    ]);
    let found = places(&words, |_| true);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn source_files_stay_readable() {
    let sources = files::ending(".rs");
    let long: Vec<_> = sources
        .iter()
        .filter(|file| file.starts_with("src/") || file.starts_with("io/src/"))
        .filter(|file| files::text(file).lines().count() > SOURCE_LINES_MAX)
        .collect();
    assert!(
        long.is_empty(),
        "beyond {SOURCE_LINES_MAX} lines: {long:#?}"
    );
}

#[test]
fn a_word_is_found_where_it_stands_alone() {
    assert!(has_word("see /x/a", "/x/", begins_path));
    assert!(!has_word("benches/x/a", "/x/", begins_path));
    assert!(!has_word("$HOME/x/a", "/x/", begins_path));
}
