use crate::harness::{Folder, HASH, sound_with_issuer, sound_with_provider};

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

/// A folder whose configuration has an issuer and certificates.
fn with_issuer() -> Folder {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", &sound_with_issuer(), 0o600);
    folder
}

const ISSUER: &str = "https://id.example.com/";

#[test]
fn a_user_of_an_issuer_is_judged_by_the_scopes_that_are_given() {
    let folder = with_issuer();
    for (scopes, tool, allowed, rule) in [
        (
            "mcp:read",
            "read_file",
            true,
            "scope \"mcp:read\" allowed_tools[0] \"read_*\"",
        ),
        (
            "other mcp:write mcp:read",
            "write_file",
            true,
            "scope \"mcp:write\" allowed_tools[0] \"write_*\"",
        ),
        ("mcp:read", "write_file", false, "needs scope \"mcp:write\""),
        ("", "read_file", false, "needs scope \"mcp:read\""),
        ("mcp:read", "drop", false, "no rule"),
        (
            "mcp:read",
            "read_secrets",
            false,
            "denied_tools[0] \"read_secrets\"",
        ),
    ] {
        let said = folder.run(&[
            "explain", "--as", "ann", "--issuer", ISSUER, "--scope", scopes, "--tool", tool,
        ]);
        let verdict = if allowed { "allowed" } else { "denied" };
        let expected = format!("{verdict}: jwt:{ISSUER} ann calls \"{tool}\" on files: {rule}\n");
        assert_eq!(said.out, expected);
        assert_eq!(said.code, i32::from(!allowed));
    }
}

#[test]
fn a_scope_that_is_missing_is_named_with_those_that_are_held() {
    let folder = with_issuer();
    let args = [
        "explain",
        "--as",
        "ann",
        "--issuer",
        ISSUER,
        "--scope",
        "mcp:read",
        "--tool",
        "write_file",
    ];
    let failed = folder.run(&args).failed();
    assert!(
        failed.contains("the scopes \"mcp:read mcp:write\" may"),
        "{failed}"
    );
    let said = folder.run(&[&args[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["scope_needed"], "mcp:read mcp:write");
    assert_eq!(json["allowed"], false);
}

#[test]
fn a_certificate_is_judged_by_its_name() {
    let folder = with_issuer();
    let run =
        |name: &str, tool: &str| folder.run(&["explain", "--certificate", name, "--tool", tool]);
    assert_eq!(
        run("spiffe://example.com/a", "read_file").ok(),
        "allowed: mtls:spiffe://example.com/a calls \"read_file\" on files: allowed_tools[0] \"read_*\"\n"
    );
    assert!(
        run("spiffe://example.com/a", "write")
            .failed()
            .contains("no rule")
    );
    for (folder, name) in [(&folder, "spiffe://example.org/a"), (&Folder::sound(), "a")] {
        let failed = folder
            .run(&["explain", "--certificate", name, "--tool", "x"])
            .failed();
        assert!(failed.contains("is nobody"), "{failed}");
    }
}

#[test]
fn an_issuer_that_is_not_configured_is_refused_with_those_that_are() {
    let run = |folder: &Folder, issuer: &str, user: &str| {
        let args = ["explain", "--as", user, "--issuer", issuer, "--tool", "x"];
        folder.run(&args).failed()
    };
    let failed = run(&with_issuer(), "https://id.example.com", "ann");
    assert!(failed.contains(&format!("there are: {ISSUER}")), "{failed}");
    assert!(run(&with_issuer(), ISSUER, "").contains("no such user"));
    assert!(run(&Folder::sound(), ISSUER, "ann").contains("add [auth.jwt]"));
}

#[test]
fn flags_of_different_callers_do_not_mix() {
    let folder = with_issuer();
    for args in [
        &["--issuer", ISSUER][..],
        &["--as", "ann", "--scope", "a"],
        &["--as", "ann", "--certificate", "a"],
        &["--as", "ann", "--issuer", ISSUER, "--certificate", "a"],
        &[],
    ] {
        let args = [&["explain", "--tool", "x"], args].concat();
        assert_eq!(folder.run(&args).code, 2, "{args:?}");
    }
}

#[test]
fn a_user_of_the_provider_is_judged_by_scopes_and_by_their_entry() {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", &sound_with_provider(), 0o600);
    for (user, scopes, tool, allowed, rule) in [
        (
            "583231",
            "",
            "list_all",
            true,
            "allowed_tools[0] \"list_*\"",
        ),
        (
            "583231",
            "mcp:read",
            "read_file",
            true,
            "scope \"mcp:read\" allowed_tools[0] \"read_*\"",
        ),
        ("583231", "", "read_file", false, "needs scope \"mcp:read\""),
        ("583231", "mcp:read", "other", false, "no rule"),
        ("583231", "", "drop", false, "denied_tools[0] \"drop\""),
        ("1", "", "other", true, "allowed_tools[0] \"*\""),
        ("1", "", "drop", false, "denied_tools[0] \"drop\""),
    ] {
        let said = folder.run(&[
            "explain", "--as", user, "--issuer", "github", "--scope", scopes, "--tool", tool,
        ]);
        let verdict = if allowed { "allowed" } else { "denied" };
        let expected =
            format!("{verdict}: oauth:github {user} calls \"{tool}\" on files: {rule}\n");
        assert_eq!(said.out, expected);
        assert_eq!(said.code, i32::from(!allowed));
    }
}

#[test]
fn an_issuer_that_is_none_is_told_those_that_there_are() {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", &sound_with_provider(), 0o600);
    let args = ["explain", "--as", "x", "--issuer", "gitlab", "--tool", "y"];
    let failed = folder.run(&args).failed();
    assert!(failed.contains("there are: github\n"), "{failed}");
}

#[test]
fn a_user_without_an_issuer_and_a_scope_of_no_map_are_told_what_there_is() {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", &sound_with_provider(), 0o600);
    let args = ["explain", "--as", "583231", "--tool", "y"];
    let failed = folder.run(&args).failed();
    assert!(failed.contains("add --issuer: github\n"), "{failed}");
    let scope = ["--issuer", "github", "--scope", "mcp:read mcp:reed"];
    let failed = folder.run(&[&args[..], &scope].concat()).failed();
    assert!(
        failed.contains(
            "\"mcp:reed\" is not in auth.oauth.scope_tool_mapping; there are: mcp:read, mcp:write"
        ),
        "{failed}"
    );
}
