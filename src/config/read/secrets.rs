//! Secrets: a literal, `"${ENV_NAME}"`, or `<key>_file`.

use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::schema::file_key;
use crate::config::secret::Secret;
use crate::config::tree::Value;

/// Permission bits that open a file to everybody.
const OTHERS: u32 = 0o007;

/// What a secret may be.
const FORMS: &str = "a literal, or \"${NAME}\" as the whole value";

impl Table<'_> {
    /// The secret at `key` or in the file that `<key>_file` names.
    pub(super) fn secret(&self, key: &'static str) -> Option<Secret> {
        let file_key = file_key(key);
        if !self.has(&file_key) {
            return self.inline_secret(key, self.text(key)?, header_problem);
        }
        if self.has(key) {
            self.report(
                key,
                Problem::SecretTwice {
                    other: self.path_of(&file_key),
                },
            );
            return None;
        }
        self.secret_from_file(&file_key)
    }

    /// A table of names to secrets that go into headers, in the order of the file.
    pub(super) fn secrets(&self, key: &'static str) -> Vec<(String, Secret)> {
        self.secrets_that_are(key, header_problem)
    }

    /// A table of names to secrets that go into an environment, in the order of the file.
    pub(super) fn variables(&self, key: &'static str) -> Vec<(String, Secret)> {
        self.secrets_that_are(key, variable_problem)
    }

    fn secrets_that_are(&self, key: &'static str, problem: Check) -> Vec<(String, Secret)> {
        let entries = match self.value(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Table(entries)) => entries,
            Some(other) => return self.wrong_type(key, "a table", other).unwrap_or_default(),
        };
        let secrets = entries.iter().filter_map(|entry| {
            let path = format!("{key}.{}", entry.key);
            let secret = match &entry.node.value {
                Value::Text(text) => self.inline_secret(&path, text, problem),
                other => self.wrong_type(&path, "a string", other),
            };
            secret.map(|secret| (entry.key.clone(), secret))
        });
        secrets.collect()
    }

    fn inline_secret(&self, key: &str, text: &str, problem: Check) -> Option<Secret> {
        if let Some(name) = variable_name(text) {
            let Some(value) = self.cx.surroundings.variable(name) else {
                self.report(
                    key,
                    Problem::EnvMissing {
                        name: name.to_owned(),
                    },
                );
                return None;
            };
            return self.sound(key, value, problem);
        }
        if text.contains("${") {
            self.report(
                key,
                Problem::Malformed {
                    value: None,
                    accepted: FORMS.to_owned(),
                },
            );
            return None;
        }
        self.cx.has_literal_secret.set(true);
        self.sound(key, text.to_owned(), problem)
    }

    fn secret_from_file(&self, file_key: &str) -> Option<Secret> {
        let Some(Value::Text(name)) = self.value(file_key) else {
            return self
                .value(file_key)
                .and_then(|other| self.wrong_type(file_key, "a path", other));
        };
        let path = self.cx.resolve(name);
        let shown = path.display().to_string();
        match self.cx.surroundings.file(&path) {
            Err(cause) => {
                self.report(file_key, Problem::SecretFile { path: shown, cause });
                None
            }
            Ok(file) => {
                if let Some(mode) = file.mode.filter(|mode| mode & OTHERS != 0) {
                    self.report(file_key, Problem::SecretFileExposed { path: shown, mode });
                }
                let text = without_newline(&file.text).to_owned();
                self.sound(file_key, text, header_problem)
            }
        }
    }

    fn sound(&self, key: &str, text: String, problem: Check) -> Option<Secret> {
        let secret = Secret::new(text);
        let Some(problem) = problem(secret.expose()) else {
            return Some(secret);
        };
        self.report(key, problem);
        None
    }
}

/// What is wrong with a secret, for the place that it goes to.
type Check = fn(&str) -> Option<Problem>;

fn header_problem(text: &str) -> Option<Problem> {
    let is_printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.is_empty() {
        Some(Problem::SecretEmpty)
    } else if text.trim() != text || !text.bytes().all(is_printable) {
        Some(Problem::SecretUnprintable)
    } else {
        None
    }
}

/// A variable may be anything, empty too, that the system can hand to a program.
fn variable_problem(text: &str) -> Option<Problem> {
    text.contains('\0').then(|| Problem::Malformed {
        value: None,
        accepted: "text without NUL".to_owned(),
    })
}

/// The name in `${NAME}`, where that is the whole text.
fn variable_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let sound = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    sound.then_some(name)
}

/// Without the one line break that editors put at the end of a file.
fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
