//! Lists of the code that documents repeat: fixed bounds, and the values of labels.

use crate::files;

/// Where bounds are defined.
const LIMITS: [&str; 2] = ["src/engine/limits.rs", "src/engine/mcp/limits.rs"];

/// The public constants of a source file.
fn constants(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .filter_map(|rest| rest.split(':').next())
        .collect()
}

/// Whether a source file other than the list itself knows `name`: a bound that nothing holds is no bound.
fn is_held(name: &str) -> bool {
    files::ending(".rs")
        .iter()
        .filter(|file| file.starts_with("src/") && !LIMITS.contains(&file.as_str()))
        .any(|file| files::text(file).contains(name))
}

#[test]
fn every_fixed_bound_is_documented_and_no_other() {
    let source: String = LIMITS.iter().map(files::text).collect();
    let mut defined = constants(&source);
    // What is a default is documented with its key.
    defined.retain(|name| !name.ends_with("_DEFAULT") && is_held(name));
    let document = files::text("docs/configuration.md");
    let (_, section) = document.split_once("## Bounds that are fixed").unwrap();
    let mut documented: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    defined.sort_unstable();
    documented.sort_unstable();
    defined.dedup();
    assert!(defined.len() > 20, "{defined:?}");
    assert_eq!(documented, defined);
}

#[cfg(feature = "gateway")]
#[test]
fn every_value_of_a_label_is_documented() {
    use mcp_guard::metrics::{AuthResult, Bound, ReloadResult, UpstreamResult};

    fn texts<T: Copy>(all: &[T], text: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|value| text(*value)).collect()
    }
    let document = files::text("docs/observability.md");
    let (_, section) = document.split_once("### Values of labels").unwrap();
    for (label, values) in [
        ("auth", texts(AuthResult::ALL, AuthResult::as_str)),
        (
            "upstream",
            texts(UpstreamResult::ALL, UpstreamResult::as_str),
        ),
        ("bound", texts(Bound::ALL, Bound::as_str)),
        ("reload", texts(ReloadResult::ALL, ReloadResult::as_str)),
    ] {
        for value in values {
            assert!(
                section.contains(&format!("`{value}`")),
                "{label}: {value} is not documented"
            );
        }
    }
}
