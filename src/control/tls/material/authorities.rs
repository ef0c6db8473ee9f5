//! The files of authorities that `[auth.oauth]` names. They are read where the provider or a client is asked; a path that leads
//! nowhere is told before the first login fails by it.

use std::path::Path;

use crate::config::model::OAuth;
use crate::config::{Config, Finding};
use crate::control::tls::gather::{Gathered, Named};

/// What is wrong with them.
pub(super) fn faults(config: &Config) -> Vec<Finding> {
    let mut gathered = Gathered::default();
    let Some(oauth) = &config.auth.oauth else {
        return gathered.errors;
    };
    let server = oauth.server.as_ref();
    let client = server.and_then(|server| server.client_ca_path.as_deref());
    let named = [
        ("auth.oauth.ca_path", of_provider(oauth)),
        ("auth.oauth.server.client_ca_path", client),
    ];
    for (key_path, path) in named {
        if let Some(path) = path {
            gathered.trust(Named { key_path, path }, None);
        }
    }
    gathered.errors
}

/// The one file for every URL of the provider.
fn of_provider(oauth: &OAuth) -> Option<&Path> {
    let urls = [
        &oauth.issuer,
        &oauth.authorization_url,
        &oauth.token_url,
        &oauth.introspection_url,
        &oauth.userinfo_url,
    ];
    let mut urls = urls.into_iter().flatten();
    urls.find_map(|url| url.ca_path.as_deref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::super::{Materials, load};
    use crate::control::testing::{Paper, text};
    use crate::control::tls::testing::{Folder, NOW_SECS, PLAIN, folder};

    /// The errors of a configuration that names `ca.crt` and `client.crt` of `folder`.
    fn errors(folder: &Folder) -> Vec<(String, &'static str)> {
        let rest = format!(
            "{PLAIN}[auth.oauth]\nprovider = \"custom\"\nclient_id = \"x\"\nissuer = \"https://id.example\"\n\
             ca_path = {:?}\nallowed_tools = [\"*\"]\n[auth.oauth.server]\nenabled = true\nclient_ca_path = {:?}\n",
            folder.path("ca.crt"),
            folder.path("client.crt"),
        );
        let text = text("public_url = \"https://gw.example\"", &rest);
        let loaded = Paper::new(&text).source().load().unwrap();
        let outcome = load(loaded, &Materials::default(), NOW_SECS);
        let diagnostics = outcome.map_or_else(|refused| refused.diagnostics, |_| Vec::new());
        let errors = diagnostics.into_iter().filter(|found| found.is_error());
        errors
            .map(|found| (found.key_path, found.problem.code()))
            .collect()
    }

    #[test]
    fn a_file_that_is_not_there_is_told_before_anybody_logs_in() {
        let (folder, ca) = folder();
        let client = "auth.oauth.server.client_ca_path".to_owned();
        assert_eq!(errors(&folder), [(client, "tls_file_unreadable")]);
        folder.write("client.crt", &ca.pem());
        assert_eq!(errors(&folder), []);
        folder.write("ca.crt", "no certificates");
        let provider = "auth.oauth.ca_path".to_owned();
        assert_eq!(errors(&folder), [(provider, "tls_file_unusable")]);
    }
}
