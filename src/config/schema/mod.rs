//! Every key that a configuration may have, once: its type, its default, its meaning, and whether this version has it.
//!
//! Read [`SECTIONS`] first. The reader refuses what is not here, and the tables of `docs/configuration.md` are checked against
//! these. A key of a later version is known, so that using it is refused by name instead of being a typing error.

mod auth;
mod jwt;
mod mtls;
mod oauth;
mod oauth_server;
mod server;
mod telemetry;
mod tls;
mod upstream;

/// A table of the file.
#[derive(Debug)]
pub struct Section {
    /// Path with indexes left out: `auth.api_keys`. Empty for the top level.
    pub path: &'static str,
    /// The keys.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default as TOML; empty where there is none.
    pub default: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// What to call it where this version does not have it.
    pub later: Option<&'static str>,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Bytes: an integer, or `"1MiB"`.
    Size,
    /// `"30s"`; a bare number is seconds.
    Duration,
    /// A string.
    Text,
    /// A path; relative ones start at the folder of the configuration file.
    Path,
    /// A list of strings.
    Texts,
    /// A string, or a list of them.
    TextOrTexts,
    /// A table of names to lists of strings.
    TextsTable,
    /// A table of names to strings or lists of them.
    TextOrTextsTable,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// `"auto"` or a whole number.
    AutoOrInteger,
    /// A literal, `"${ENV}"`, or `<key>_file`.
    Secret,
    /// A table of names to literals or `"${ENV}"`.
    SecretTable,
    /// RFC 3339 with an offset.
    Time,
    /// A table.
    Section,
    /// A list of tables.
    Sections,
    /// A table, or a list of them.
    SectionOrSections,
}

#[cfg(test)]
impl Kind {
    /// Whether the key holds keys of its own.
    pub(super) const fn is_section(self) -> bool {
        matches!(
            self,
            Self::Section | Self::Sections | Self::SectionOrSections
        )
    }
}

/// All sections, in the order of the documentation.
pub static SECTIONS: &[Section] = &[
    ROOT,
    server::SERVER,
    server::CORS,
    server::LIMITS,
    server::ADMIN,
    tls::TLS,
    tls::CERTIFICATES,
    auth::AUTH,
    auth::API_KEYS,
    auth::ANONYMOUS,
    jwt::JWT,
    mtls::MTLS,
    mtls::MTLS_IDENTITIES,
    oauth::OAUTH,
    oauth::OAUTH_IDENTITIES,
    oauth_server::OAUTH_SERVER,
    oauth_server::OAUTH_CLIENTS,
    telemetry::RATE_LIMIT,
    telemetry::TOOL_LIMITS,
    telemetry::AUDIT,
    telemetry::ROTATION,
    telemetry::REDACTION_RULES,
    telemetry::TRACING,
    upstream::UPSTREAM,
    upstream::SERVERS,
];

const ROOT: Section = Section {
    path: "",
    keys: &[
        key("server", Kind::Section, "", "The listeners."),
        key("auth", Kind::Section, "", "Who may call."),
        key("rate_limit", Kind::Section, "", "How often."),
        key("audit", Kind::Section, "", "What is recorded."),
        key("tracing", Kind::Section, "", "Traces.").later("tracing"),
        key("upstream", Kind::Section, "", "Where calls go."),
    ],
};

/// A section without keys.
pub(super) static NOWHERE: Section = Section {
    path: "",
    keys: &[],
};

const fn key(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        meaning,
        later: None,
    }
}

impl Key {
    const fn later(self, feature: &'static str) -> Self {
        Self {
            later: Some(feature),
            ..self
        }
    }

    /// The names under which the key may be written.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let file = (self.kind == Kind::Secret).then(|| file_key(self.name));
        std::iter::once(self.name.to_owned()).chain(file)
    }
}

impl Section {
    /// The key called `name`, or whose file is.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys
            .iter()
            .find(|key| key.names().any(|known| known == name))
    }

    /// Every name that may be written here.
    pub(super) fn names(&self) -> Vec<String> {
        self.keys.iter().flat_map(Key::names).collect()
    }
}

/// The section whose path, indexes left out, is `path`.
pub(super) fn section(path: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == path)
}

/// The key that names the file of the secret `name`.
pub(super) fn file_key(name: &str) -> String {
    format!("{name}_file")
}

#[cfg(test)]
mod tests {
    use super::{SECTIONS, section};

    #[test]
    fn every_section_is_reached_from_the_top_and_names_each_key_once() {
        for known in SECTIONS {
            let mut names = known.names();
            names.sort();
            names.dedup();
            assert_eq!(
                names.len(),
                known.names().len(),
                "[{}] has a key twice",
                known.path
            );
            for key in known.keys.iter().filter(|key| key.kind.is_section()) {
                let path = crate::config::tree::join(known.path, key.name);
                assert!(section(&path).is_some(), "[{path}] has no keys");
            }
            let Some((parent, name)) = known.path.rsplit_once('.') else {
                continue;
            };
            assert!(
                section(parent)
                    .and_then(|parent| parent.key(name))
                    .is_some(),
                "[{}] has no parent",
                known.path
            );
        }
    }
}
