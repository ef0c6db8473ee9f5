//! `init`: a commented configuration with a fresh key, to start from.

use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::args::{CONFIG_PATH_DEFAULT, Global, InitArgs};
use crate::cli::failure::{Failure, format_name};
use crate::cli::template::{HASH_PLACEHOLDER, TEMPLATES, Template};
use crate::cli::{keygen, replace};
use crate::config::Format;
use crate::engine::identity::KeyHash;

/// Where YAML goes unless `-c` says otherwise.
const YAML_PATH_DEFAULT: &str = "mcp-guard.yaml";

/// Permission bits of what is written.
const MODE: u32 = 0o600;

pub(super) fn run(global: &Global, args: &InitArgs) -> Result<Answer, Failure> {
    if args.list {
        return Ok(list(args.json));
    }
    let (path, format) = destination(global, args)?;
    let (template, text) = template(&args.template, format)?;
    let key = keygen::fresh_key()?;
    let text =
        Zeroizing::new(text.replace(HASH_PLACEHOLDER, &KeyHash::of(key.as_bytes()).to_string()));
    if args.force {
        replace::write_over(&path, &text, MODE)?;
    } else {
        replace::create(&path, &text, MODE)?;
    }
    Ok(said(&path, &key, template, args.json))
}

fn said(path: &Path, key: &str, template: &Template, json: bool) -> Answer {
    let shown = path.display().to_string();
    if json {
        return Answer::json(&json!({ "file": shown, "key": key }));
    }
    let flag = if shown == CONFIG_PATH_DEFAULT {
        String::new()
    } else {
        format!(" -c {shown}")
    };
    let to_set = template.to_set;
    let secret = template.secret_file.map_or_else(String::new, |name| {
        let file = path.with_file_name(name);
        format!(
            "Write the secret that the provider gave you into {0}:\n\n  install -m 600 /dev/stdin {0}\n\n",
            file.display()
        )
    });
    Answer::text(format!(
        "Wrote {shown} (mode 0600).\n\nThe key, shown this once:\n\n  {key}\n\n{secret}Set {to_set} in {shown}, then:\n\n  \
         mcp-guard{flag} validate\n  mcp-guard{flag} run\n"
    ))
}

fn list(json: bool) -> Answer {
    if json {
        let one = |template: &Template| json!({ "name": template.name, "about": template.about, "formats": template.formats() });
        return Answer::json(&TEMPLATES.iter().map(one).collect());
    }
    let line = |template: &Template| {
        format!(
            "{:<14} {} ({})\n",
            template.name,
            template.about,
            template.formats().join(", ")
        )
    };
    Answer::text(TEMPLATES.iter().map(line).collect::<String>())
}

/// Where to write and how: the path decides unless only a format was given.
fn destination(global: &Global, args: &InitArgs) -> Result<(PathBuf, Format), Failure> {
    let asked = args.format.map(Format::from);
    let Some(path) = global.config.clone() else {
        let format = asked.unwrap_or(Format::Toml);
        let path = if format == Format::Toml {
            CONFIG_PATH_DEFAULT
        } else {
            YAML_PATH_DEFAULT
        };
        return Ok((path.into(), format));
    };
    match Format::of(&path) {
        Some(format) if asked.is_none_or(|asked| asked == format) => Ok((path, format)),
        _ => Err(Failure::FormatDiffers { path }),
    }
}

/// The template called `name` and its text.
fn template(name: &str, format: Format) -> Result<(&'static Template, &'static str), Failure> {
    Template::find(name)
        .and_then(|template| Some((template, template.text(format)?)))
        .ok_or_else(|| {
            let known = TEMPLATES
                .iter()
                .filter(|template| template.formats().contains(&format_name(format)));
            let known: Vec<_> = known.map(|template| template.name).collect();
            Failure::NoTemplate {
                name: name.to_owned(),
                near: Template::near(name).map(|near| near.name),
                known: known.join(", "),
            }
        })
}
