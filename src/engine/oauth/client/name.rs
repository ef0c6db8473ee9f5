//! Names of clients, made fit to be shown to somebody who decides by them.

use unicode_normalization::char::is_combining_mark;

/// Marks that one letter may carry; more would cover the lines around it.
const MARKS_MAX: usize = 2;

/// `name` without what nobody sees or what reorders the text around it, each run of blanks a space. `None` where nothing is left.
///
/// A name that is shown cannot look as though the page said something else: right-to-left overrides, zero-width and filling
/// characters, line ends and tags are left out (UTS #39 §5). That a name is somebody else's is not for this function to see.
#[must_use]
pub fn shown_name(name: &str) -> Option<Box<str>> {
    let mut shown = String::with_capacity(name.len());
    let mut marks = 0;
    for character in name.chars() {
        if is_blank(character) {
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
                marks = 0;
            }
            continue;
        }
        let is_mark = is_combining_mark(character);
        if is_invisible(character) || (is_mark && marks == MARKS_MAX) {
            continue;
        }
        marks = if is_mark { marks + 1 } else { 0 };
        shown.push(character);
    }
    let shown = shown.trim_end();
    (!shown.is_empty()).then(|| shown.into())
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// Controls, what formats without being seen (category Cf, `Default_Ignorable_Code_Point`), characters that are none, and those
/// that only one system can show.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::shown_name;

    #[test]
    fn a_shown_name_says_what_it_looks_like() {
        let zalgo = format!("a{}b", "\u{301}".repeat(50));
        for (name, expected) in [
            ("Claude Code (gateway)", Some("Claude Code (gateway)")),
            ("  Visual \t Studio\r\nCode ", Some("Visual Studio Code")),
            ("Bücher 本 \u{1f600}", Some("Bücher 本 \u{1f600}")),
            ("e\u{301}", Some("e\u{301}")),
            ("Evil\u{202e}edualC", Some("EviledualC")),
            ("Cl\u{200b}aude\u{feff}\u{2066}", Some("Claude")),
            ("Cl\u{e0041}aude\u{fe0f}", Some("Claude")),
            ("a\u{2028}b\u{85}c", Some("a b c")),
            ("\u{1b}[31mred", Some("[31mred")),
            ("<b>&\"'", Some("<b>&\"'")),
            (&zalgo, Some("a\u{301}\u{301}b")),
            ("a\u{301}\u{301}\u{200b}\u{301}", Some("a\u{301}\u{301}")),
            ("\u{200b}\u{3164} \u{2800}", None),
            ("", None),
        ] {
            assert_eq!(shown_name(name).as_deref(), expected, "{name:?}");
        }
    }
}
