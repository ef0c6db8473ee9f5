//! The schema against the code: every key does something, and has the default that it says.

use toml_edit::{DocumentMut, Item, TableLike};

use super::{HASH, base, config, diagnostics, load_toml};
use crate::config::schema::{Kind, SECTIONS, Section};
use crate::config::tree::join;

/// Every key of this version, each with a value that is not its default.
const EVERYTHING: &str = include_str!("everything.toml");

fn everything() -> DocumentMut {
    EVERYTHING.parse().unwrap()
}

/// Keys that one server has for itself: a lone `[upstream]` has them, and several servers have theirs.
const OF_ONE_SERVER: [&str; 10] = [
    "url",
    "headers",
    "bearer_token",
    "command",
    "args",
    "env",
    "cwd",
    "tls_ca_path",
    "tls_client_cert_path",
    "tls_client_key_path",
];

/// Keys that only a stdio server has.
const OF_A_CHILD: [&str; 4] = ["args", "env", "restart", "max_children"];

/// A configuration in which every key of `section` makes sense and that says nothing but what it must.
fn least(section: &Section, key: &str) -> String {
    let provider = "[server]\npublic_url = 'https://gw'\n[auth.oauth]\nprovider = 'github'\nclient_id = 'x'\nclient_secret = 's'\nallowed_users = ['1']\n";
    let more = match section.path {
        "upstream" if OF_A_CHILD.contains(&key) => {
            return base().replace("url = 'http://localhost:8080/mcp'", "command = 'server'");
        }
        "server.tls" => "[server.tls]\ncert_path = 'a'\nkey_path = 'b'\n",
        "auth.jwt" => {
            "[auth.jwt]\nmode = 'jwks'\njwks_url = 'https://id/'\nissuer = 'i'\naudience = 'a'\n"
        }
        "auth.mtls" if key != "enabled" => {
            "[auth.mtls]\nenabled = true\nsource = 'header'\ntrusted_proxy_ips = ['::1']\nallowed_tools = []\n"
        }
        "auth.oauth" => provider,
        "auth.oauth.server" if key != "enabled" => {
            return format!("{}{provider}[auth.oauth.server]\nenabled = true\n", base());
        }
        "auth.oauth.server" => provider,
        _ => "",
    };
    format!("{}{more}", base())
}

/// Keys of [`least`] that are there to make sense of the others.
const IN_LEAST: [&str; 3] = [
    "auth.mtls.source",
    "auth.mtls.trusted_proxy_ips",
    "auth.mtls.identity_source",
];

/// Keys that only say what is so without them, or that the others of the file leave no choice about; `tests::oauth` is about
/// these.
const WITHOUT_CHOICE: [&str; 2] = ["auth.oauth.redirect_uri", "auth.oauth.login"];

/// The table of `section` in `document` that has `key`, the first where there are several.
fn table<'d>(
    document: &'d mut DocumentMut,
    section: &Section,
    key: &str,
) -> Option<&'d mut dyn TableLike> {
    let mut item: &mut Item = document.as_item_mut();
    for name in section.path.split('.').filter(|name| !name.is_empty()) {
        item = item.as_table_like_mut()?.get_mut(name)?;
        if let Item::ArrayOfTables(tables) = item {
            // The sections inside lists have no sections inside themselves.
            let table = tables.iter_mut().find(|table| table.contains_key(key));
            return table.map(|table| table as &mut dyn TableLike);
        }
    }
    item.as_table_like_mut()
}

#[test]
fn every_key_has_an_effect() {
    let whole = format!("{:?}", config(EVERYTHING));
    for section in SECTIONS {
        for key in section
            .keys
            .iter()
            .filter(|key| key.later.is_none() && key.kind != Kind::Section)
        {
            // The file has several servers.
            if section.path == "upstream" && OF_ONE_SERVER.contains(&key.name) {
                continue;
            }
            let path = join(section.path, key.name);
            if WITHOUT_CHOICE.contains(&path.as_str()) {
                continue;
            }
            let mut document = everything();
            let table = table(&mut document, section, key.name)
                .unwrap_or_else(|| panic!("{path} is not in the file"));
            table.remove(key.name);
            let changed = match load_toml(&document.to_string()) {
                Ok(loaded) => format!("{:?}", loaded.config) != whole,
                Err(_) => true,
            };
            assert!(changed, "{path} has no effect");
        }
    }
}

#[test]
fn every_default_is_what_the_schema_says() {
    for section in SECTIONS {
        for key in section
            .keys
            .iter()
            .filter(|key| key.later.is_none() && !key.default.is_empty())
        {
            let path = join(section.path, key.name);
            let of_a_list = [
                "upstream.servers",
                "rate_limit.tool_limits",
                "auth.mtls.identities",
                "auth.oauth.identities",
            ];
            if of_a_list.contains(&section.path) || IN_LEAST.contains(&path.as_str()) {
                continue;
            }
            if section.path == "auth.anonymous"
                || key.name == "allowed_tools"
                || (section.path, key.name) == ("audit", "stdout")
            {
                continue;
            }
            let without = least(section, key.name);
            let expected = format!("{:?}", config(&without));
            let mut document: DocumentMut = without.parse().unwrap();
            set(&mut document, section, key.name, key.default);
            let text = document.to_string();
            let loaded = load_toml(&text)
                .unwrap_or_else(|refused| panic!("{text}{:#?}", refused.diagnostics));
            assert_eq!(
                format!("{:?}", loaded.config),
                expected,
                "{}.{}",
                section.path,
                key.name
            );
        }
    }
}

fn set(document: &mut DocumentMut, section: &Section, key: &str, value: &str) {
    let mut item: &mut Item = document.as_item_mut();
    for name in section.path.split('.') {
        item = item
            .as_table_like_mut()
            .unwrap()
            .entry(name)
            .or_insert(toml_edit::table());
        if let Item::ArrayOfTables(tables) = item {
            tables
                .get_mut(0)
                .unwrap()
                .insert(key, Item::Value(value.parse().unwrap()));
            return;
        }
    }
    item.as_table_like_mut()
        .unwrap()
        .insert(key, Item::Value(value.parse().unwrap()));
}

#[test]
fn a_tool_limit_takes_its_burst_from_the_default() {
    let text = format!(
        "{}[rate_limit]\nburst_size = 7\n[[rate_limit.tool_limits]]\ntool_pattern = 'x'\nrequests_per_second = 1\n",
        base()
    );
    assert_eq!(config(&text).rate_limit.tool_limits[0].burst_size, 7);
}

#[test]
fn servers_inherit_what_they_do_not_say() {
    let text = format!(
        "[[auth.api_keys]]\nid='a'\nkey_hash='{HASH}'\nallowed_tools=['*']\n\
         [upstream]\ntimeout='7s'\nforward_headers=['X-A']\n\
         [[upstream.servers]]\nname='a'\nurl='http://a'\n\
         [[upstream.servers]]\nname='b'\nurl='http://b'\ntimeout='8s'\nforward_headers=[]\n"
    );
    let upstreams = config(&text).upstreams;
    assert_eq!(
        upstreams
            .iter()
            .map(|upstream| upstream.timeout.as_secs())
            .collect::<Vec<_>>(),
        [7, 8]
    );
    assert_eq!(upstreams[0].forward_headers, ["x-a"]);
    assert!(upstreams[1].forward_headers.is_empty());
    assert_eq!(
        upstreams
            .iter()
            .map(|upstream| upstream.default)
            .collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn null_sections_of_yaml_are_empty_ones() {
    let text = "server:\nrate_limit: ~\nauth:\n  anonymous:\nupstream:\n  url: http://localhost:8080/mcp\n";
    let found = diagnostics(super::load_in(
        crate::config::Fixed::default(),
        "c.yaml",
        text,
    ));
    assert!(found.iter().all(|found| !found.is_error()), "{found:#?}");
}
