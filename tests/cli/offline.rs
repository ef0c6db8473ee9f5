//! What needs no configuration.

use crate::harness::Folder;

#[test]
fn hash_key_reads_standard_input_alone() {
    let folder = Folder::new();
    let key = "mcp_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let hash = folder.run_with(&["hash-key"], &format!("{key}\n")).ok();
    assert_eq!(hash.trim().len(), 44);
    assert_eq!(
        folder.run_with(&["hash-key", "--json"], key).json()["key_hash"],
        hash.trim()
    );
    assert_eq!(folder.run(&["hash-key", key]).code, 2);
    for bad in [
        "",
        "secret",
        "mcp_short",
        &format!("{key} {key}"),
        &format!("{key}\n{key}\n"),
    ] {
        let failed = folder.run_with(&["hash-key"], bad).failed();
        assert!(
            failed.contains("mcp_") && (bad.is_empty() || !failed.contains(bad)),
            "{failed}"
        );
    }
}

#[test]
fn wrong_usage_is_exit_code_two() {
    let folder = Folder::new();
    for args in [
        vec!["frobnicate"],
        vec!["keygen"],
        vec!["keygen", "--user-id", "a", "--expires", "soon"],
        vec!["run", "--workers", "0"],
        vec!["run", "--host", "example.com"],
        vec!["explain", "--as", "a"],
        vec!["validate", "--log-format", "xml"],
    ] {
        assert_eq!(folder.run(&args).code, 2, "{args:?}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).ok();
    for command in [
        "init",
        "validate",
        "keygen",
        "hash-key",
        "run",
        "check-upstream",
        "explain",
        "version",
        "demo",
    ] {
        assert!(help.contains(command), "{command}");
        let own = folder.run(&[command, "--help"]).ok();
        assert!(own.contains("Usage: mcp-guard"), "{own}");
    }
    assert!(folder.run(&["version"]).ok().starts_with("mcp-guard "));
    let json = folder.run(&["version", "--json"]).json();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert!(!json["kernel"]["io"].as_str().unwrap().is_empty());
    assert_eq!(json["kernel"]["probed"].as_array().unwrap().len(), 3);
}
