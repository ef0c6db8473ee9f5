//! Names that some parser would take for one that decides.
//!
//! Go's `encoding/json` matches `Name` and `paramſ`, others trim blanks, stop at NUL or normalise; where our reading and the
//! upstream's could differ, the message is refused (published bypasses: GHSA-4gph-2hhr-5mwg, CVE-2026-27896). Two names look
//! alike when their skeletons are equal: compatibility decomposition (NFKD), combining marks, blanks, controls and invisible
//! characters removed, then upper and lower case folded. Every name that decides is ASCII, so a skeleton is compared with it
//! without regard to ASCII case.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::json::{Str, decoded};

/// How a member's name reads at a level that has names which decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading<M> {
    /// One of them, written plainly.
    Exact(M),
    /// None of them, to any parser.
    Unknown,
    /// One of them to some parsers.
    LookAlike,
}

/// The names that decide at one level.
pub(crate) trait Names: Copy + Sized + 'static {
    /// Each name, in ASCII.
    const ALL: &'static [&'static str];

    /// The member of exactly this name.
    fn exact(name: &[u8]) -> Option<Self>;

    /// How `key` reads at this level.
    #[inline]
    fn read(text: &str, key: Str) -> Reading<Self> {
        let name = key.bytes(text);
        if let (false, Some(member)) = (key.is_escaped(), Self::exact(name)) {
            return Reading::Exact(member);
        }
        if !key.is_escaped() && begins_unlike(name, Self::ALL) {
            return Reading::Unknown;
        }
        read_rarely(key.raw(text), key.is_escaped())
    }
}

/// Whether `name` begins with a visible ASCII character, which no parser drops, and none of `names` does with the same.
#[inline]
fn begins_unlike(name: &[u8], names: &[&str]) -> bool {
    let Some(first) = name.first().filter(|first| first.is_ascii_graphic()) else {
        return false;
    };
    !names
        .iter()
        .any(|other| other.as_bytes()[0].eq_ignore_ascii_case(first))
}

#[cold]
fn read_rarely<M: Names>(raw: &str, is_escaped: bool) -> Reading<M> {
    if is_escaped {
        read_escaped(raw)
    } else if looks_like(raw, M::ALL) {
        Reading::LookAlike
    } else {
        Reading::Unknown
    }
}

/// An escaped spelling is a look-alike of the name that it decodes to, with one exception: `\/`, as PHP writes every slash.
fn read_escaped<M: Names>(raw: &str) -> Reading<M> {
    if let Some(member) = M::exact(raw.replace("\\/", "/").as_bytes()) {
        return Reading::Exact(member);
    }
    let name: String = decoded(raw).collect();
    if M::exact(name.as_bytes()).is_some() || looks_like(&name, M::ALL) {
        Reading::LookAlike
    } else {
        Reading::Unknown
    }
}

/// Declares the names of a level once: an enum, its parser and the list for comparison.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($variant:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $type { $($variant,)+ }

        impl $crate::engine::mcp::lookalike::Names for $type {
            const ALL: &'static [&'static str] = &[$($text),+];

            #[inline]
            fn exact(name: &[u8]) -> Option<Self> {
                $(if name == $text.as_bytes() {
                    return Some(Self::$variant);
                })+
                None
            }
        }
    };
}
pub(crate) use names;

/// Whether `name` has the skeleton of one of `names`.
pub(crate) fn looks_like<'n>(name: &str, names: impl IntoIterator<Item = &'n &'n str>) -> bool {
    if name.is_ascii() {
        return names.into_iter().any(|other| ascii_alike(name, other));
    }
    let skeleton = skeleton(name);
    names
        .into_iter()
        .any(|other| skeleton.eq_ignore_ascii_case(other))
}

/// The ASCII case of the skeleton rule, without building one.
fn ascii_alike(name: &str, other: &str) -> bool {
    if name.len() < other.len() {
        return false;
    }
    let mut visible = name.bytes().filter(u8::is_ascii_graphic);
    other.bytes().all(|byte| {
        visible
            .next()
            .is_some_and(|seen| seen.eq_ignore_ascii_case(&byte))
    }) && visible.next().is_none()
}

fn skeleton(name: &str) -> String {
    let folded: String = name
        .nfkd()
        .filter(|c| !is_dropped(*c))
        .flat_map(char::to_uppercase)
        .collect();
    // Case mapping can bring marks back (`İ`), and decompositions of its own.
    folded
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| !is_dropped(*c))
        .collect()
}

/// Combining marks, blanks, controls, and the characters that Unicode says have no glyph (`Default_Ignorable_Code_Point`).
fn is_dropped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || is_combining_mark(c)
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn what_some_parser_folds_to_a_name_looks_like_it() {
        for name in [
            "Method",
            "METHOD",
            "method ",
            " method",
            "met hod",
            "method\0",
            "\0method",
            "method\u{7f}",
            "ｍethod",
            "method\u{200b}",
            "\u{feff}method",
            "me\u{ad}thod",
            "méthod",
            "metho\u{301}d",
            "𝓂ethod",
            "ⓜethod",
            "method\u{e0041}",
            "method\u{a0}",
            "method\u{3000}",
            "method\t",
            "method\u{85}",
            "mᵉthod",
            "ＭＥＴＨＯＤ",
        ] {
            assert!(looks_like(name, &["method"]), "{name:?}");
        }
        for name in ["paramſ", "PARAMſ"] {
            assert!(looks_like(name, &["params"]), "{name:?}");
        }
        for name in ["taſKId", "tas\u{212a}Id", "tasKıd", "taskİd"] {
            assert!(looks_like(name, &["taskId"]), "{name:?}");
        }
    }

    #[test]
    fn what_no_parser_folds_to_a_name_does_not_look_like_it() {
        for name in [
            "", " ", "metho", "methods", "me-thod", "me_thod", "ünknown", "方法", "мethod",
            "x-method", "\0",
        ] {
            assert!(!looks_like(name, &["method"]), "{name:?}");
        }
    }
}
