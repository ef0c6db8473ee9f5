//! How a stdio server is started: `command` and what belongs to it.

use std::path::{Path, PathBuf};

use crate::config::model::Child;
use crate::config::problem::Problem;
use crate::config::read::limits::CHILDREN_MAX;
use crate::config::read::table::Table;
use crate::config::secret::Secret;
use crate::engine::limits::MAX_CHILDREN_DEFAULT;
use crate::engine::snapshot::{Eras, Instances};

const COMMAND: &str = "the name of a program, or a path to one, without variables";
const CWD: &str = "a folder";
const ARGUMENT: &str = "text without NUL";
const VARIABLE: &str = "letters, digits and _, not beginning with a digit";

const INSTANCES: [(&str, Instances); 2] = [
    ("session", Instances::Session),
    ("shared", Instances::Shared),
];
const RESTARTS: [(&str, bool); 2] = [("always", true), ("never", false)];

/// What children of several servers may have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Children {
    instances: Option<Instances>,
    restarts: bool,
    children_max: usize,
}

impl Default for Children {
    fn default() -> Self {
        Self {
            instances: None,
            restarts: true,
            children_max: MAX_CHILDREN_DEFAULT,
        }
    }
}

impl Children {
    /// What `table` says within one that says `outer`.
    pub(super) fn read(table: &Table<'_>, outer: &Self) -> Self {
        Self {
            instances: table.choice("instances", &INSTANCES).or(outer.instances),
            restarts: table.choice("restart", &RESTARTS).unwrap_or(outer.restarts),
            children_max: table
                .integer("max_children", 1..=CHILDREN_MAX)
                .unwrap_or(outer.children_max),
        }
    }
}

/// The child of the server at `table`, which speaks `eras`.
pub(super) fn read(table: &Table<'_>, children: Children, eras: Option<Eras>) -> Option<Child> {
    let command = command(table);
    let args = args(table);
    let env = env(table);
    let cwd = table.parsed_text("cwd", CWD, |text| {
        is_argument(text)
            .then(|| PathBuf::from(text))
            .filter(|_| !text.is_empty())
    });
    if children.instances == Some(Instances::Shared) && eras == Some(Eras::Legacy) {
        let remedy = "a legacy server holds its client's state, so every session has a child of its own; remove instances";
        let other = table.path_of("era");
        table.report("instances", Problem::Conflict { other, remedy });
    }
    Some(Child {
        command: command?,
        args,
        env,
        cwd,
        instances: children.instances,
        restarts: children.restarts,
        children_max: children.children_max,
    })
}

fn command(table: &Table<'_>) -> Option<String> {
    let command = table.parsed_text("command", COMMAND, |text| {
        let sound = !text.trim().is_empty() && is_argument(text) && !text.contains("${");
        sound.then(|| text.to_owned())
    })?;
    let is_file = || table.cx.surroundings.is_file(Path::new(&command));
    if command.contains(char::is_whitespace) && !is_file() {
        table.report("command", Problem::CommandWithSpaces);
    }
    Some(from_here(table, command))
}

/// A path is meant from where the gateway runs, whatever folder the child starts in. A bare name is looked up in `PATH`.
fn from_here(table: &Table<'_>, command: String) -> String {
    if !command.contains('/') {
        return command;
    }
    let absolute = table.cx.surroundings.absolute(Path::new(&command));
    absolute.into_os_string().into_string().unwrap_or(command)
}

fn args(table: &Table<'_>) -> Vec<String> {
    let args = table.texts("args").unwrap_or_default();
    for (index, arg) in args.iter().enumerate() {
        let key = format!("args[{index}]");
        if arg.contains("${") {
            table.report(&key, Problem::SecretInArgs);
        } else if !is_argument(arg) {
            table.malformed::<()>(&key, arg, ARGUMENT);
        }
    }
    args.into_iter().map(str::to_owned).collect()
}

fn env(table: &Table<'_>) -> Vec<(String, Secret)> {
    let variables = table.variables("env");
    for (name, _) in &variables {
        if !is_variable(name) {
            table.malformed::<()>(&format!("env.{name}"), name, VARIABLE);
        }
    }
    variables
}

/// Whether the system can hand `text` to a program.
fn is_argument(text: &str) -> bool {
    !text.contains('\0')
}

fn is_variable(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(known) && !name.as_bytes()[0].is_ascii_digit()
}
