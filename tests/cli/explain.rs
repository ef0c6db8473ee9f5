use crate::harness::{Folder, HASH};

#[test]
fn a_call_is_judged_by_the_rule_that_decides_it() {
    let folder = Folder::sound();
    for (args, allowed, rule) in [
        (["read_file", "files"], true, "allowed_tools[0] \"read_*\""),
        (
            ["read_secrets", "files"],
            false,
            "denied_tools[0] \"read_secrets\"",
        ),
        (["write", "files"], false, "no rule"),
        (["read_file", "git"], false, "ceiling"),
    ] {
        let said = folder.run(&[
            "explain", "--as", "ci", "--tool", args[0], "--server", args[1],
        ]);
        assert!(said.out.contains(rule), "{args:?}: {}", said.out);
        assert_eq!(
            said.out.starts_with("allowed: "),
            allowed,
            "{args:?}: {}",
            said.out
        );
        if allowed {
            said.ok();
        } else {
            said.failed();
        }
    }
}

#[test]
fn without_a_server_the_default_one_is_meant() {
    let json = Folder::sound()
        .run(&["explain", "--as", "ci", "--tool", "read_x", "--json"])
        .json();
    assert_eq!(
        (&json["server"], &json["identity"], &json["allowed"]),
        (&"files".into(), &"key:ci".into(), &true.into())
    );
}

#[test]
fn an_expired_key_is_denied() {
    let folder = Folder::new();
    let text = format!(
        "[[auth.api_keys]]\nid='ci'\nkey_hash='{HASH}'\nallowed_tools=['*']\nexpires_at='2020-01-01T00:00:00Z'\n[upstream]\nurl='http://a'\n"
    );
    folder.write("mcp-guard.toml", &text, 0o600);
    let failed = folder
        .run(&["explain", "--as", "ci", "--tool", "x"])
        .failed();
    assert!(failed.contains("key has expired"), "{failed}");
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let folder = Folder::sound();
    let failed = folder
        .run(&["explain", "--as", "nobody", "--tool", "x"])
        .failed();
    assert!(failed.contains("\"nobody\" is not configured"), "{failed}");
    let failed = folder
        .run(&["explain", "--as", "ci", "--tool", "x", "--server", "nope"])
        .failed();
    assert!(failed.contains("there are: files, git"), "{failed}");
}
