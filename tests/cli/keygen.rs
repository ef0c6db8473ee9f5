use std::os::unix::fs::symlink;

use crate::harness::{Folder, HASH, key_in, sound};

#[test]
fn a_key_is_printed_with_the_snippet_to_paste() {
    let folder = Folder::new();
    let said = folder
        .run(&[
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "read_*, search",
            "--expires",
            "90d",
            "--rate-limit",
            "2",
        ])
        .ok();
    assert!(said.contains("[[auth.api_keys]]\nid = \"new\"\n"), "{said}");
    assert!(
        said.contains("allowed_tools = [\"read_*\", \"search\"]\n"),
        "{said}"
    );
    assert!(
        said.contains("expires_at = ") && said.contains("rate_limit = 2"),
        "{said}"
    );
    let hash = folder.run_with(&["hash-key"], &key_in(&said)).ok();
    assert!(said.contains(hash.trim()), "{said}");
    assert!(folder.names().is_empty());
}

#[test]
fn a_key_is_put_into_the_file_and_the_rest_stays() {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", &sound(), 0o640);
    let said = folder
        .run(&[
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "files::*",
            "--apply-to-config",
        ])
        .ok();
    let after = folder.read("mcp-guard.toml");
    let mut lines = after.lines();
    for line in sound().lines() {
        assert!(
            lines.any(|kept| kept == line),
            "{line:?} is lost from\n{after}"
        );
    }
    assert!(!after.contains(&key_in(&said)));
    assert_eq!(folder.mode("mcp-guard.toml"), 0o640);
    assert_eq!(folder.names(), ["mcp-guard.toml"]);
    folder
        .run(&[
            "explain", "--as", "new", "--tool", "anything", "--server", "files",
        ])
        .ok();
    folder
        .run(&["explain", "--as", "ci", "--tool", "read_x"])
        .ok();
}

#[test]
fn a_key_is_put_into_yaml_too() {
    let folder = Folder::new();
    let text = format!(
        "# top\nauth:\n  api_keys:\n    - id: ci # first\n      key_hash: {HASH}\nupstream:\n  url: http://a # here\n"
    );
    folder.write("mcp-guard.yaml", &text, 0o600);
    folder
        .run(&[
            "-c",
            "mcp-guard.yaml",
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "*",
            "--apply-to-config",
        ])
        .ok();
    let after = folder.read("mcp-guard.yaml");
    assert!(
        after.starts_with("# top\n")
            && after.contains("- id: ci # first")
            && after.contains("url: http://a # here"),
        "{after}"
    );
    folder
        .run(&[
            "-c",
            "mcp-guard.yaml",
            "explain",
            "--as",
            "new",
            "--tool",
            "x",
        ])
        .ok();
}

#[test]
fn a_file_behind_a_symbolic_link_is_edited_in_its_place() {
    let folder = Folder::new();
    folder.write("real.toml", &sound(), 0o600);
    symlink("real.toml", folder.path("mcp-guard.toml")).unwrap();
    folder
        .run(&[
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "*",
            "--apply-to-config",
        ])
        .ok();
    assert!(folder.path("mcp-guard.toml").is_symlink());
    assert!(folder.read("real.toml").contains("\"new\""));
}

#[test]
fn a_refused_key_changes_nothing_and_is_not_shown() {
    for (text, args, part) in [
        (
            sound(),
            vec!["--user-id", "ci", "--tools", "*"],
            "has a key already",
        ),
        (sound(), vec!["--user-id", "a b", "--tools", "*"], "id: "),
        (
            sound(),
            vec!["--user-id", "new", "--tools", "**"],
            "allowed_tools[0]: ",
        ),
        (
            sound(),
            vec!["--user-id", "new", "--tools", "nope::x"],
            "no upstream is named \"nope\"",
        ),
        (
            sound(),
            vec!["--user-id", "new", "--tools", "*", "--rate-limit", "0"],
            "rate_limit: ",
        ),
        (
            format!("{}[sever]\n", sound()),
            vec!["--user-id", "new", "--tools", "*"],
            "did you mean `server`?",
        ),
        (
            "= 3\n".to_owned(),
            vec!["--user-id", "new", "--tools", "*"],
            "syntax errors",
        ),
    ] {
        let folder = Folder::new();
        folder.write("mcp-guard.toml", &text, 0o600);
        let said = folder.run(&[vec!["keygen", "--apply-to-config"], args.clone()].concat());
        assert!(!said.out.contains("mcp_"), "{args:?}");
        let failed = said.failed();
        assert!(failed.contains(part), "{args:?}: {failed}");
        assert_eq!(folder.read("mcp-guard.toml"), text, "{args:?}");
        assert_eq!(folder.names(), ["mcp-guard.toml"], "{args:?}");
    }
}

#[test]
fn two_edits_do_not_mix() {
    let folder = Folder::sound();
    folder.write(".mcp-guard.toml.edit", "", 0o600);
    let failed = folder
        .run(&[
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "*",
            "--apply-to-config",
        ])
        .failed();
    assert!(failed.contains("another edit is under way"), "{failed}");
    assert_eq!(folder.read("mcp-guard.toml"), sound());
}

#[test]
fn a_first_key_makes_an_incomplete_configuration_sound() {
    let folder = Folder::new();
    folder.write(
        "mcp-guard.toml",
        "[upstream]\nurl = 'http://a'\n[server.admin]\ntoken = '${ABSENT}'\n",
        0o600,
    );
    let json = folder
        .run(&[
            "keygen",
            "--user-id",
            "new",
            "--tools",
            "*",
            "--apply-to-config",
            "--json",
        ])
        .json();
    assert_eq!(json["applied_to"], "mcp-guard.toml");
    assert!(
        folder
            .read("mcp-guard.toml")
            .contains(json["key_hash"].as_str().unwrap())
    );
}

#[test]
fn a_key_without_tools_says_that_it_may_do_nothing() {
    let said = Folder::new().run(&["keygen", "--user-id", "new"]).ok();
    assert!(said.contains("may use no tools"), "{said}");
}
