#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::Materials;
use crate::config::Severity;
use crate::control::testing::tls::Authority;
use crate::control::tls::testing::{Folder, PLAIN, folder, https, listener};

const AUTH: &str = "client_auth = \"required\"\nclient_ca_path = \"@/ca.crt\"";

/// What is said of the files of `rest`: severity, key path, code.
fn findings(folder: &Folder, rest: &str) -> Vec<(Severity, String, &'static str)> {
    let diagnostics = match folder.load(rest, &Materials::default()) {
        Ok((loaded, _)) => loaded.warnings,
        Err(refused) => refused.diagnostics,
    };
    let said = diagnostics.into_iter();
    said.map(|said| (said.severity, said.key_path, said.problem.code()))
        .collect()
}

fn errors(folder: &Folder, rest: &str) -> Vec<(String, &'static str)> {
    let found = findings(folder, rest).into_iter();
    found
        .filter(|(severity, ..)| *severity == Severity::Error)
        .map(|(_, key_path, code)| (key_path, code))
        .collect()
}

#[test]
fn good_files_become_material_without_a_word() {
    let (folder, _) = folder();
    let (loaded, materials) = folder.load(&listener(AUTH), &Materials::default()).unwrap();
    assert!(
        loaded
            .warnings
            .iter()
            .all(|said| !said.key_path.contains("path"))
    );
    assert!(materials.server().is_some());
    assert_eq!(materials.upstreams().len(), 1);
    assert!(materials.upstreams()[0].is_none());
    let keys: Vec<_> = materials.certificates().map(|(key, _)| key).collect();
    assert_eq!(keys, ["server.tls.cert_path"]);
}

#[test]
fn a_configuration_without_tls_has_no_material() {
    let (_, materials) = Folder::new().load(PLAIN, &Materials::default()).unwrap();
    assert!(materials.server().is_none());
    assert!(materials.stamps().is_empty());
}

#[test]
fn each_bad_file_is_told_at_its_key() {
    type Spoil = fn(&Folder, &Authority);
    let cases: &[(&str, Spoil, &str)] = &[
        (
            "tls_file_unreadable",
            |f, _| std::fs::remove_file(f.path("own.crt")).unwrap(),
            "cert_path",
        ),
        (
            "tls_file_unreadable",
            |f, _| std::fs::remove_file(f.path("own.key")).unwrap(),
            "key_path",
        ),
        (
            "tls_file_unreadable",
            |f, _| std::fs::remove_file(f.path("ca.crt")).unwrap(),
            "client_ca_path",
        ),
        (
            "tls_file_unusable",
            |f, _| f.write("own.crt", ""),
            "cert_path",
        ),
        (
            "tls_file_unusable",
            |f, ca| f.write("own.crt", &ca.leaf("a").key),
            "cert_path",
        ),
        (
            "tls_file_unusable",
            |f, ca| f.write("own.key", &ca.leaf("a").chain),
            "key_path",
        ),
        (
            "tls_file_unusable",
            |f, ca| f.write("own.key", &ca.leaf("a").key),
            "key_path",
        ),
        (
            "tls_file_unusable",
            |f, _| f.write("own.key", ENCRYPTED),
            "key_path",
        ),
        (
            "tls_file_unusable",
            |f, _| f.write("ca.crt", "no certificates"),
            "client_ca_path",
        ),
        (
            "tls_file_unusable",
            |f, _| f.write("list.crl", "no list"),
            "crl_path",
        ),
    ];
    for (index, (code, spoil, key)) in cases.iter().enumerate() {
        let (folder, ca) = folder();
        spoil(&folder, &ca);
        let crl = if *key == "crl_path" {
            "crl_path = \"@/list.crl\""
        } else {
            ""
        };
        let found = errors(&folder, &listener(&format!("{AUTH}\n{crl}")));
        assert_eq!(
            found,
            [(format!("server.tls.{key}"), *code)],
            "case {index}"
        );
    }
}

const ENCRYPTED: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGb\n-----END ENCRYPTED PRIVATE KEY-----\n";

#[test]
fn an_encrypted_key_is_called_so() {
    let (folder, _) = folder();
    folder.write("own.key", ENCRYPTED);
    let refused = folder
        .load(&listener(""), &Materials::default())
        .unwrap_err();
    let said = refused
        .diagnostics
        .iter()
        .find(|said| said.is_error())
        .unwrap()
        .to_string();
    assert!(
        said.contains("private key is encrypted; decrypt it"),
        "{said}"
    );
}

#[test]
fn everything_wrong_is_told_at_once_with_its_line() {
    let (folder, _) = folder();
    let rest = listener(&format!(
        "{AUTH}\n[[server.tls.certificates]]\ncert_path = \"@/further.crt\"\nkey_path = \"@/further.key\""
    ));
    folder.write("ca.crt", "");
    folder.write("own.key", "");
    let refused = folder.load(&rest, &Materials::default()).unwrap_err();
    let errors: Vec<_> = refused
        .diagnostics
        .iter()
        .filter(|said| said.is_error())
        .collect();
    let keys: Vec<_> = errors.iter().map(|said| &*said.key_path).collect();
    assert_eq!(
        keys,
        [
            "server.tls.key_path",
            "server.tls.client_ca_path",
            "server.tls.certificates[0].cert_path",
            "server.tls.certificates[0].key_path",
        ]
    );
    let lines: Vec<_> = errors
        .iter()
        .map(|said| said.position.unwrap().line)
        .collect();
    assert!(lines.is_sorted_by(|a, b| a < b), "{lines:?}");
    for said in errors {
        assert!(said.problem.remedy().is_some(), "{said}");
        assert!(!said.to_string().contains("BEGIN PRIVATE KEY\nM"), "{said}");
    }
}

#[test]
fn a_certificate_of_the_list_alone_is_told_at_its_place() {
    let folder = Folder::new();
    let rest = format!(
        "{PLAIN}[[server.tls.certificates]]\ncert_path = \"@/a.crt\"\nkey_path = \"@/a.key\"\n"
    );
    let keys: Vec<_> = errors(&folder, &rest)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "server.tls.certificates[0].cert_path",
            "server.tls.certificates[0].key_path"
        ]
    );
}

#[test]
fn a_key_that_others_can_read_and_a_certificate_that_ended_are_warnings() {
    let (folder, ca) = folder();
    folder.write_pair("own", &ca.leaf_between("gateway.example", 2020, 2027));
    folder.chmod("own.key", 0o644);
    let found = findings(&folder, &listener(""));
    for (key, code) in [
        ("server.tls.cert_path", "certificate_ended"),
        ("server.tls.key_path", "secret_file_exposed"),
    ] {
        let warning = (Severity::Warning, key.to_owned(), code);
        assert!(found.contains(&warning), "{code}: {found:?}");
    }
    assert!(
        found
            .iter()
            .all(|(severity, ..)| *severity == Severity::Warning)
    );
}

#[test]
fn an_upstream_has_its_own_trust_and_certificate() {
    let (folder, _) = folder();
    let rest = https(
        "tls_ca_path = \"@/ca.crt\"\ntls_client_cert_path = \"@/own.crt\"\ntls_client_key_path = \"@/own.key\"",
    );
    let (_, materials) = folder.load(&rest, &Materials::default()).unwrap();
    assert!(materials.upstreams()[0].is_some());
    folder.write("ca.crt", "");
    folder.write("own.crt", "");
    assert_eq!(
        errors(&folder, &rest),
        [
            ("upstream.tls_ca_path".to_owned(), "tls_file_unusable"),
            (
                "upstream.tls_client_cert_path".to_owned(),
                "tls_file_unusable"
            ),
        ]
    );
}

/// Two https upstreams of one authority, and the listener.
fn several() -> String {
    let server = |name: &str, ca: &str| {
        format!(
            "[[upstream.servers]]\nname = \"{name}\"\ntransport = \"http\"\nurl = \"https://{name}.example/mcp\"\ntls_ca_path = \"@/{ca}\"\n"
        )
    };
    let own = listener("").replace(PLAIN, "");
    format!("{}{}{own}", server("a", "ca.crt"), server("b", "ca.crt"))
}

#[test]
fn what_is_unchanged_moves_over_and_what_is_equal_is_shared() {
    let (folder, ca) = folder();
    let (_, first) = folder.load(&several(), &Materials::default()).unwrap();
    let tls = |materials: &Materials, index: usize| materials.upstreams()[index].clone().unwrap();
    assert!(
        tls(&first, 0).is_same(&tls(&first, 1)),
        "equal keys, one value"
    );
    let (_, again) = folder.load(&several(), &first).unwrap();
    assert!(first.server().unwrap().is_same(&again.server().unwrap()));
    assert!(tls(&first, 0).is_same(&tls(&again, 0)));
    folder.write_pair("own", &ca.leaf("gateway.example"));
    let (_, renewed) = folder.load(&several(), &again).unwrap();
    assert!(!first.server().unwrap().is_same(&renewed.server().unwrap()));
    assert!(
        tls(&first, 0).is_same(&tls(&renewed, 0)),
        "its files are as they were"
    );
}
