//! `explain`: whether a call would be allowed, and by which rule. It asks the same functions that decide real calls.

use serde_json::{Value, json};

use crate::cli::answer::Answer;
use crate::cli::args::{ExplainArgs, Global};
use crate::cli::failure::Failure;
use crate::cli::load;
use crate::config::compile;
use crate::engine::identity::jwt::JwtIssuer;
use crate::engine::identity::{Authenticator, Principal};
use crate::engine::policy::{Action, Subject, decide, step_up};
use crate::engine::snapshot::{Server, Snapshot};

pub(super) fn run(global: &Global, args: &ExplainArgs) -> Result<Answer, Failure> {
    let config = load::sound(global)?.config;
    let snapshot =
        compile(&config, config.server.port, 0).map_err(|findings| Failure::KeyRefused {
            reason: findings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        })?;
    let server = server(&snapshot, args.server.as_deref())?;
    let principal = principal(&snapshot, args)?;
    let verdict = Verdict::of(&principal, server, &args.tool);
    let answer = if args.json {
        Answer::json(&verdict.to_json(&principal, server, &args.tool))
    } else {
        Answer::text(verdict.to_text(&principal, server, &args.tool))
    };
    Ok(answer.but(verdict.failure()))
}

/// Whom the flags mean. Nothing is proven here.
fn principal(snapshot: &Snapshot, args: &ExplainArgs) -> Result<Principal, Failure> {
    let identity = &snapshot.identity;
    if let Some(name) = &args.certificate {
        let name = name.clone();
        return identity
            .explain_certificate(&name)
            .ok_or(Failure::NoCertificate { name });
    }
    let id = args.identity.clone().unwrap_or_default();
    match &args.issuer {
        None => identity
            .explain_as(&id)
            .cloned()
            .ok_or_else(|| Failure::NoIdentity {
                id,
                issuers: vouching(identity).join(", "),
            }),
        Some(issuer) => user(snapshot, issuer, &id, &args.scope),
    }
}

/// The user `id` of `issuer`, or of the provider that people log in with, with a token that has `scopes`.
fn user(
    snapshot: &Snapshot,
    issuer: &str,
    id: &str,
    scopes: &[String],
) -> Result<Principal, Failure> {
    let identity = &snapshot.identity;
    let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
    refuse_unknown(identity, issuer, &scopes)?;
    identity
        .explain_token(issuer, id, &scopes)
        .ok_or_else(|| Failure::NoUser {
            issuer: issuer.to_owned(),
            known: vouching(identity).join(", "),
        })
}

/// Refuses scopes that no token of the gateway's own has. Those of others may have scopes for others.
fn refuse_unknown(identity: &Authenticator, issuer: &str, scopes: &[&str]) -> Result<(), Failure> {
    let own = identity.issuers().issuers().iter();
    let mut own = own.filter(|one| one.own.is_some() && named(one) == issuer);
    let Some(own) = own.next().filter(|_| identity.opaque().is_none()) else {
        return Ok(());
    };
    let known: Vec<&str> = own.scopes.scopes().iter().map(|one| &*one.scope).collect();
    let mut given = scopes.iter().filter(|scope| !scope.is_empty());
    match given.find(|scope| !known.contains(scope)) {
        None => Ok(()),
        Some(scope) => Err(Failure::NoScope {
            scope: (*scope).to_owned(),
            known: known.join(", "),
        }),
    }
}

/// Who vouches for users: the provider, then the issuers of signed tokens.
fn vouching(identity: &Authenticator) -> Vec<&str> {
    let issuers = identity.issuers().issuers().iter();
    let opaque = identity.opaque().map(|opaque| &*opaque.realm);
    let mut known: Vec<_> = opaque.into_iter().chain(issuers.map(named)).collect();
    known.dedup();
    known
}

/// Whom an issuer is called by: the gateway itself, by the provider whose users its tokens are for.
fn named(issuer: &JwtIssuer) -> &str {
    let own = issuer.own.as_ref();
    own.map_or(&*issuer.issuer, |own| &*own.realm)
}

/// What would be decided.
struct Verdict {
    allowed: bool,
    rule: String,
    /// Every scope to ask for, where they would help.
    scope: Option<String>,
}

impl Verdict {
    fn of(principal: &Principal, server: &Server, tool: &str) -> Self {
        let now = u64::try_from(load::now_unix_secs()).unwrap_or_default();
        let action = Action::Use(Subject::tool(tool));
        let (allowed, rule) = match decide(principal, server, action) {
            _ if principal.is_expired(now) => (false, "key has expired"),
            Ok(permit) => (true, permit.rule().label(principal.grants())),
            Err(denial) => (false, denial.rule.label(principal.grants())),
        };
        let step = (!allowed)
            .then(|| step_up(principal, server, [Action::AlwaysAllowed, action]))
            .flatten();
        Self {
            allowed,
            rule: step
                .as_ref()
                .map_or_else(|| rule.to_owned(), ToString::to_string),
            scope: step.map(|step| step.scope().to_owned()),
        }
    }

    fn to_json(&self, principal: &Principal, server: &Server, tool: &str) -> Value {
        json!({
            "allowed": self.allowed,
            "identity": principal.identity(),
            "server": &*server.name,
            "tool": tool,
            "rule": self.rule,
            "scope_needed": self.scope,
        })
    }

    fn to_text(&self, principal: &Principal, server: &Server, tool: &str) -> String {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        let (identity, server, rule) = (principal.identity(), &server.name, &self.rule);
        format!("{verdict}: {identity} calls {tool:?} on {server}: {rule}\n")
    }

    fn failure(self) -> Option<Failure> {
        let Self {
            allowed,
            rule,
            scope,
        } = self;
        (!allowed).then_some(match scope {
            Some(scope) => Failure::NeedsScope { rule, scope },
            None => Failure::Denied { rule },
        })
    }
}

/// The server called `name`, else the one that `/mcp` leads to.
fn server<'s>(snapshot: &'s Snapshot, name: Option<&str>) -> Result<&'s Server, Failure> {
    let Some(name) = name else {
        return Ok(snapshot.server(snapshot.routes().default_server()));
    };
    snapshot.server_named(name).ok_or_else(|| {
        let known: Vec<_> = snapshot
            .servers()
            .iter()
            .map(|server| server.name.to_string())
            .collect();
        Failure::NoServer {
            name: name.to_owned(),
            known: known.join(", "),
        }
    })
}
