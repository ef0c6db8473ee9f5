//! The configurations that `init` writes, as they lie in `templates/`.

use crate::config::Format;

/// Stands for the hash of the key in every template. It is no hash of anything known, so a template that is used as it is
/// lets nobody in.
pub(super) const HASH_PLACEHOLDER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Where the templates say that the provider's secret is.
const CLIENT_SECRET: &str = "oauth-client.secret";

/// A configuration to start from.
#[derive(Debug)]
pub(super) struct Template {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) about: &'static str,
    /// What has to be set before it runs.
    pub(super) to_set: &'static str,
    /// The file beside it that a secret has to be written into.
    pub(super) secret_file: Option<&'static str>,
    toml: &'static str,
    yaml: Option<&'static str>,
}

/// All of them; the first is the default.
pub(super) const TEMPLATES: [Template; 9] = [
    Template {
        name: "default",
        about: "one upstream, one key",
        to_set: "upstream.url",
        secret_file: None,
        toml: include_str!("../../templates/mcp-guard.toml"),
        yaml: Some(include_str!("../../templates/mcp-guard.yaml")),
    },
    Template {
        name: "stdio",
        about: "one server that the gateway starts itself, one key",
        to_set: "upstream.command and upstream.args",
        secret_file: None,
        toml: include_str!("../../templates/stdio.toml"),
        yaml: None,
    },
    Template {
        name: "multi-server",
        about: "several upstreams, a reader and an admin",
        to_set: "the url or command of each server",
        secret_file: None,
        toml: include_str!("../../templates/multi-server.toml"),
        yaml: None,
    },
    Template {
        name: "jwt",
        about: "tokens of an OpenID provider, by their scopes, and one key",
        to_set: "jwks_url, issuer, audience, the scopes and upstream.url",
        secret_file: None,
        toml: include_str!("../../templates/jwt.toml"),
        yaml: None,
    },
    Template {
        name: "oauth-github",
        about: "people log in with GitHub, MCP clients get tokens for them",
        to_set: "server.public_url, client_id, allowed_organizations and upstream.url",
        secret_file: Some(CLIENT_SECRET),
        toml: include_str!("../../templates/oauth-github.toml"),
        yaml: None,
    },
    Template {
        name: "oauth-google",
        about: "people log in with Google, MCP clients get tokens for them",
        to_set: "server.public_url, client_id, required_claims and upstream.url",
        secret_file: Some(CLIENT_SECRET),
        toml: include_str!("../../templates/oauth-google.toml"),
        yaml: None,
    },
    Template {
        name: "oauth-okta",
        about: "people log in with Okta, MCP clients get tokens for them",
        to_set: "server.public_url, issuer, client_id and upstream.url",
        secret_file: Some(CLIENT_SECRET),
        toml: include_str!("../../templates/oauth-okta.toml"),
        yaml: None,
    },
    Template {
        name: "oauth",
        about: "people log in with any OpenID provider, MCP clients get tokens for them",
        to_set: "server.public_url, issuer, client_id and upstream.url",
        secret_file: Some(CLIENT_SECRET),
        toml: include_str!("../../templates/oauth.toml"),
        yaml: None,
    },
    Template {
        name: "mtls",
        about: "TLS with client certificates as identities, and one key",
        to_set: "the paths of the certificates, the patterns of names and upstream.url",
        secret_file: None,
        toml: include_str!("../../templates/mtls.toml"),
        yaml: None,
    },
];

impl Template {
    /// The template called `name`.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// The one that is probably meant by `name`, which is none: `github` is the end of `oauth-github`.
    pub(super) fn near(name: &str) -> Option<&'static Self> {
        let is_end = |template: &&Self| template.name.split('-').next_back() == Some(name);
        TEMPLATES.iter().find(is_end)
    }

    /// Its text in `format`.
    pub(super) fn text(&self, format: Format) -> Option<&'static str> {
        match format {
            Format::Toml => Some(self.toml),
            Format::Yaml => self.yaml,
        }
    }

    /// The formats that it has.
    pub(super) fn formats(&self) -> Vec<&'static str> {
        let yaml = self.yaml.map(|_| "yaml");
        std::iter::once("toml").chain(yaml).collect()
    }
}
