//! Links between documents.

use crate::files;

/// The targets of the inline links of a document.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in files::prose(text) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, tail)) = after.split_once(')') else {
                break;
            };
            found.push(target.to_owned());
            rest = tail;
        }
    }
    found
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The anchor that a heading gets: lower case, words joined by hyphens, the rest dropped.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn has_anchor(file: &str, wanted: &str) -> bool {
    let text = files::text(file);
    files::prose(&text).any(|line| line.starts_with('#') && anchor(line) == wanted)
}

/// Why a link leads nowhere, or nothing.
fn fault(from: &str, target: &str) -> Option<String> {
    let (path, wanted) = target.split_once('#').unwrap_or((target, ""));
    let folder = files::root().join(from);
    let place = match path {
        "" => folder,
        _ => folder.parent().unwrap().join(path),
    };
    let Ok(place) = place.canonicalize() else {
        return Some(format!("{from}: {target} is not there"));
    };
    let inside = place.strip_prefix(files::root().canonicalize().unwrap());
    let Ok(inside) = inside else {
        return Some(format!("{from}: {target} is outside of the repository"));
    };
    let is_found = wanted.is_empty() || has_anchor(&inside.to_string_lossy(), wanted);
    (!is_found).then(|| format!("{from}: {target} has no such heading"))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut faults = Vec::new();
    for file in files::ending(".md") {
        let text = files::text(&file);
        let local = targets(&text)
            .into_iter()
            .filter(|target| !is_elsewhere(target));
        faults.extend(local.filter_map(|target| fault(&file, &target)));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let text =
        "see [a](docs/none.md), [b](README.md#nothing), [c](https://example.com)\n```\n[d](e)\n```";
    let found = targets(text);
    assert_eq!(
        found,
        ["docs/none.md", "README.md#nothing", "https://example.com"]
    );
    assert!(fault("README.md", &found[0]).is_some());
    assert!(fault("README.md", &found[1]).is_some());
    assert!(fault("README.md", "docs/policy.md#entries").is_none());
}
