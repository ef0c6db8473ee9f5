//! Who may come in.

use super::{found, github, google, oauth, okta, said};

/// `text` without its own `allowed_users`, and with `keys`.
fn instead(text: &str, keys: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("allowed_users"));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{text}{keys}\n")
}

#[test]
fn where_anybody_has_an_account_somebody_must_be_named() {
    for text in [github(""), google("")] {
        found(&instead(&text, ""), &["allowed_users: error missing"]);
        assert!(said(&instead(&text, "")).contains("anybody in the world"));
        found(
            &instead(&text, "required_claims = {}"),
            &["allowed_users: error missing"],
        );
    }
    found(&instead(&okta(""), ""), &[]);
    found(&instead(&github(""), "allowed_organizations = ['a']"), &[]);
    found(
        &instead(&google(""), "required_claims = { hd = 'example.com' }"),
        &[],
    );
}

#[test]
fn everybody_is_said_and_warned_about() {
    let open = "allowed_users = ['*']";
    for text in [github(""), google("")] {
        found(
            &instead(&text, open),
            &["allowed_users: warning open_to_everybody"],
        );
    }
    found(&instead(&okta(""), open), &[]);
    let narrowed = format!("{open}\nallowed_organizations = ['a']");
    found(&instead(&github(""), &narrowed), &[]);
}

#[test]
fn an_empty_list_is_never_taken_for_everybody() {
    for text in [github(""), google(""), okta("")] {
        found(
            &instead(&text, "allowed_users = []"),
            &["allowed_users: error malformed"],
        );
    }
    found(
        &github("allowed_organizations = []"),
        &["allowed_organizations: error malformed"],
    );
    found(
        &okta("required_claims = { groups = [] }"),
        &["required_claims.groups: error malformed"],
    );
}

#[test]
fn patterns_organizations_and_claims_have_forms() {
    for (keys, expected) in [
        (
            "allowed_users = ['']",
            Some("allowed_users[0]: error malformed"),
        ),
        (
            "allowed_users = ['a', '**x']",
            Some("allowed_users[1]: error malformed"),
        ),
        (
            "allowed_users = [1]",
            Some("allowed_users[0]: error wrong_type"),
        ),
        ("required_claims = { groups = ['a', 'b'], hd = 'x' }", None),
        (
            "required_claims = { groups = 1 }",
            Some("required_claims.groups: error wrong_type"),
        ),
        (
            "required_claims = { groups = '' }",
            Some("required_claims.groups: error malformed"),
        ),
        (
            "required_claims = { '' = 'x' }",
            Some("required_claims.: error malformed"),
        ),
    ] {
        found(&okta(keys), expected.as_slice());
    }
    for (name, is_sound) in [
        ("acme-corp", true),
        ("a b", false),
        ("a/b", false),
        ("", false),
    ] {
        let text = github(&format!("allowed_organizations = ['{name}']"));
        let expected = (!is_sound).then_some("allowed_organizations[0]: error malformed");
        found(&text, expected.as_slice());
    }
}

#[test]
fn claims_and_organizations_are_read() {
    let found = oauth(&okta("required_claims = { groups = ['a', 'b'], hd = 'x' }"));
    let owned = |texts: &[&str]| texts.iter().copied().map(str::to_owned).collect::<Vec<_>>();
    let expected = [
        ("groups".to_owned(), owned(&["a", "b"])),
        ("hd".to_owned(), owned(&["x"])),
    ];
    assert_eq!(found.required_claims, expected);
    let found = oauth(&github("allowed_organizations = ['Acme']"));
    assert_eq!(found.allowed_organizations, ["acme"]);
}

#[test]
fn only_github_has_organizations() {
    for text in [google(""), okta("")] {
        found(
            &format!("{text}allowed_organizations = ['a']\n"),
            &["allowed_organizations: error conflict"],
        );
    }
}

#[test]
fn what_is_asked_about_a_user_is_asked_of_the_provider() {
    for (text, expected) in [
        (
            instead(
                &github(""),
                "allowed_users = ['*@x.com']\nscopes = ['read:user']",
            ),
            Some("scopes: error scope_needed"),
        ),
        (
            instead(
                &github(""),
                "allowed_users = ['*@x.com']\nscopes = ['user']",
            ),
            None,
        ),
        (
            github("scopes = ['read:user']\nallowed_organizations = ['a']"),
            Some("scopes: error scope_needed"),
        ),
        (
            github("scopes = ['read:user', 'admin:org']\nallowed_organizations = ['a']"),
            None,
        ),
        (
            google("scopes = ['openid']"),
            Some("scopes: error scope_needed"),
        ),
        (google("scopes = ['openid', 'email']"), None),
    ] {
        found(&text, expected.as_slice());
    }
}
