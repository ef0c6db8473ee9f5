use crate::harness::{Folder, sound};

#[test]
fn a_sound_configuration_is_ok() {
    let said = Folder::sound().run(&["validate"]).ok();
    assert!(said.ends_with("mcp-guard.toml: ok, 0 warnings\n"), "{said}");
}

#[test]
fn every_error_is_shown_with_its_line_and_the_exit_code_is_one() {
    let folder = Folder::new();
    folder.write(
        "mcp-guard.toml",
        &format!("{}[server]\nprot = 1\nport = 70000\n", sound()),
        0o600,
    );
    let said = folder.run(&["validate"]);
    let lines: Vec<_> = said
        .out
        .lines()
        .filter(|line| line.contains(": error: "))
        .collect();
    assert_eq!(
        lines,
        [
            "mcp-guard.toml:20:1: error: server.prot: unknown key; did you mean `port`?",
            "mcp-guard.toml:21:1: error: server.port: 70000 is out of range; accepted: 0 to 65535",
        ]
    );
    assert_eq!(
        said.failed(),
        "mcp-guard: mcp-guard.toml: refused: 2 errors; correct what is listed above\n"
    );
}

#[test]
fn json_has_every_diagnostic() {
    let folder = Folder::new();
    folder.write(
        "mcp-guard.toml",
        &format!("{}[server]\nprot = 1\n", sound()),
        0o600,
    );
    let said = folder.run(&["validate", "--json"]);
    assert_eq!(said.code, 1);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&json["ok"], &json["errors"], &json["warnings"]),
        (&false.into(), &1.into(), &0.into())
    );
    let error = &json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["severity"] == "error")
        .unwrap();
    assert_eq!(
        (&error["key_path"], &error["line"], &error["code"]),
        (&"server.prot".into(), &20.into(), &"unknown_key".into())
    );
    assert_eq!(
        Folder::sound().run(&["validate", "--json"]).json()["ok"],
        true
    );
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let said = Folder::new().run(&["-c", "absent.toml", "validate"]);
    assert!(
        said.out.contains("absent.toml: error: file cannot be read"),
        "{}",
        said.out
    );
    said.failed();
}

#[test]
fn secrets_of_the_file_are_shown_nowhere() {
    let folder = Folder::new();
    folder.write(
        "mcp-guard.toml",
        &format!(
            "{}[server.admin]\ntoken = 'hunter2'\nhots = 'hunter2'\n",
            sound()
        ),
        0o644,
    );
    for args in [
        vec!["validate"],
        vec!["validate", "--json"],
        vec!["explain", "--as", "ci", "--tool", "x"],
    ] {
        let said = folder.run(&args);
        assert!(
            !said.out.contains("hunter2") && !said.err.contains("hunter2"),
            "{}{}",
            said.out,
            said.err
        );
        assert_eq!(said.code, 1);
    }
}
