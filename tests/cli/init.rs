use crate::harness::{Folder, key_in};

#[test]
fn init_writes_a_sound_configuration_with_a_fresh_key_in_each_format() {
    for (args, file) in [
        (vec!["init"], "mcp-guard.toml"),
        (vec!["init", "--format", "yaml"], "mcp-guard.yaml"),
        (vec!["-c", "team.yml", "init"], "team.yml"),
        (vec!["init", "--template", "multi-server"], "mcp-guard.toml"),
        (vec!["init", "--template", "stdio"], "mcp-guard.toml"),
        (vec!["init", "--template", "jwt"], "mcp-guard.toml"),
        (vec!["init", "--template", "mtls"], "mcp-guard.toml"),
        (vec!["init", "--template", "oauth-github"], "mcp-guard.toml"),
        (vec!["init", "--template", "oauth-google"], "mcp-guard.toml"),
        (vec!["init", "--template", "oauth-okta"], "mcp-guard.toml"),
        (vec!["init", "--template", "oauth"], "mcp-guard.toml"),
    ] {
        let folder = Folder::new();
        let said = folder.run(&args).ok();
        assert_eq!(folder.mode(file), 0o600, "{args:?}");
        assert_eq!(folder.names(), [file], "{args:?}");
        let key = key_in(&said);
        let hash = folder.run_with(&["hash-key"], &key).ok();
        let text = folder.read(file);
        assert!(
            text.contains(hash.trim()) && !text.contains(&key),
            "{args:?}"
        );
        folder.write_files_of(&text);
        assert!(
            folder
                .run(&["-c", file, "validate"])
                .ok()
                .contains(": ok, "),
            "{args:?}"
        );
    }
}

#[test]
fn two_inits_make_two_keys() {
    let keys: Vec<_> = (0..2)
        .map(|_| key_in(&Folder::new().run(&["init"]).ok()))
        .collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn init_overwrites_only_when_forced() {
    let folder = Folder::new();
    folder.write("mcp-guard.toml", "# mine\n", 0o644);
    let failed = folder.run(&["init"]).failed();
    assert!(
        failed.contains("file exists") && failed.contains("--force"),
        "{failed}"
    );
    assert_eq!(folder.read("mcp-guard.toml"), "# mine\n");
    folder.run(&["init", "--force"]).ok();
    assert!(folder.read("mcp-guard.toml").contains("[server]"));
    assert_eq!(folder.mode("mcp-guard.toml"), 0o600);
    assert_eq!(folder.names(), ["mcp-guard.toml"]);
}

#[test]
fn init_says_what_it_said_in_json_too() {
    let folder = Folder::new();
    let said = folder.run(&["init", "--json"]).json();
    assert_eq!(said["file"], "mcp-guard.toml");
    assert!(said["key"].as_str().unwrap().starts_with("mcp_"));
    let list = folder.run(&["init", "--list", "--json"]).json();
    assert_eq!(list[0]["name"], "default");
}

#[test]
fn init_refuses_what_it_cannot_write() {
    let folder = Folder::new();
    for (args, part) in [
        (
            vec!["init", "--template", "github"],
            "did you mean `oauth-github`?",
        ),
        (
            vec!["init", "--template", "nothing"],
            "there are: default, stdio, multi-server, jwt, oauth-github, oauth-google, oauth-okta, oauth, mtls",
        ),
        (
            vec!["init", "--template", "multi-server", "--format", "yaml"],
            "there are: default",
        ),
        (
            vec!["-c", "a.toml", "init", "--format", "yaml"],
            "extension",
        ),
        (vec!["-c", "a.json", "init"], "extension"),
        (vec!["-c", "absent/a.toml", "init"], "absent/a.toml: "),
    ] {
        let failed = folder.run(&args).failed();
        assert!(failed.contains(part), "{args:?}: {failed}");
    }
    assert!(folder.names().is_empty());
}

#[test]
fn the_file_of_a_secret_is_told_apart_from_the_keys() {
    let folder = Folder::new();
    let args = ["-c", "a.toml", "init", "--template", "oauth-okta"];
    let said = folder.run(&args).ok();
    let command = "install -m 600 /dev/stdin oauth-client.secret\n";
    assert!(said.contains(command), "{said}");
    assert!(
        said.contains("issuer, client_id and upstream.url in a.toml"),
        "{said}"
    );
    let refused = folder.run(&["-c", "a.toml", "validate"]).out;
    assert!(refused.contains(command.trim()), "{refused}");
    let other = folder.run(&["-c", "b.toml", "init"]).ok();
    assert!(!other.contains("secret"), "{other}");
}
