//! Who may come in.

use super::{ISSUER, custom, found, github, google, oauth, okta, said};

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

#[test]
fn an_openid_provider_is_asked_who_a_user_is() {
    let custom = |keys: &str| custom(&format!("{ISSUER}{keys}"));
    for (text, is_asked) in [
        (google("scopes = ['email']"), false),
        (okta("scopes = ['email']"), false),
        (custom("scopes = ['email']"), false),
        (custom("scopes = ['email', 'openid']"), true),
        (
            custom("scopes = ['email']\nuserinfo_url = 'https://id.example/u'"),
            true,
        ),
        (okta("scopes = ['email']\nlogin = false"), true),
        (github("scopes = ['read:user']"), true),
    ] {
        let expected = (!is_asked).then_some("scopes: error scope_needed");
        found(&text, expected.as_slice());
        assert_eq!(said(&text).contains("add \"openid\" to scopes"), !is_asked);
    }
}

#[test]
fn a_login_of_github_is_no_user() {
    for (keys, is_refused) in [
        ("allowed_users = ['octocat']", true),
        ("allowed_users = ['1a']", true),
        ("allowed_users = ['583231']", false),
        ("allowed_users = ['octocat@example.com']", false),
        ("allowed_users = ['octo*']", false),
        (
            "allowed_users = ['octocat']\nuser_id_claim = 'node_id'",
            false,
        ),
    ] {
        let text = instead(&github(""), keys);
        let expected = is_refused.then_some("allowed_users[0]: error login_is_no_id");
        found(&text, expected.as_slice());
        assert_eq!(
            said(&text).contains("https://api.github.com/users/"),
            is_refused
        );
    }
    found(&instead(&okta(""), "allowed_users = ['octocat']"), &[]);
}

#[test]
fn a_number_without_quotes_is_told_to_get_them() {
    let text = instead(&github(""), "allowed_users = [583231]");
    assert!(said(&text).contains("write the number in quotes"));
}

#[test]
fn an_abbreviation_is_the_key_that_it_begins() {
    for (key, near) in [
        ("allowed_orgs", "allowed_organizations"),
        ("allowed_org", "allowed_organizations"),
        ("allowed_tool", "allowed_tools"),
        ("alowed_users", "allowed_users"),
    ] {
        let said = said(&github(&format!("{key} = ['a']")));
        assert!(said.contains(&format!("did you mean `{near}`?")), "{said}");
    }
}
