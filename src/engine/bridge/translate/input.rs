//! What a server asks of a client: requests of its own on a legacy session, `inputRequests` of a result in the modern era.

use super::object::{Object, elements, quoted};
use super::wire::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::engine::mcp::methods::Method;

/// Code of the error that names elicitations to complete before the call is made again (2025-11-25 alone).
const URL_ELICITATION_REQUIRED: &str = "-32042";

/// Most inputs that one call may wait for at once.
pub const INPUTS_MAX: usize = 16;

/// Most times that one call may come back for more input.
pub const ROUNDS_MAX: u32 = 16;

/// Whether a call of `method` may be answered by asking for input (2026-07-28 MRTR, Supported Requests).
#[must_use]
pub const fn may_ask(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead
    )
}

/// Whether a client with `capabilities` can be asked for anything.
#[must_use]
pub fn can_be_asked(capabilities: &str) -> bool {
    let capabilities = Object::parse(capabilities).unwrap_or_default();
    ["elicitation", "sampling", "roots"]
        .iter()
        .any(|name| capabilities.object(name).is_some())
}

/// Why a request of a server is not put to the client: code and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// JSON-RPC code.
    pub code: i32,
    /// For people.
    pub message: &'static str,
}

/// Whether a client with `capabilities` declared what `method` with `params` needs.
pub fn check(capabilities: &str, method: &str, params: &Object<'_>) -> Result<(), Refusal> {
    let capabilities = Object::parse(capabilities).unwrap_or_default();
    match Method::parse(method) {
        Method::ElicitationCreate => check_elicitation(capabilities.object("elicitation"), params),
        Method::SamplingCreateMessage => check_sampling(capabilities.object("sampling"), params),
        Method::RootsList => capabilities.object("roots").map(drop).ok_or(UNDECLARED),
        _ => Err(UNKNOWN),
    }
}

const UNKNOWN: Refusal = Refusal {
    code: METHOD_NOT_FOUND,
    message: "method not found",
};

const UNDECLARED: Refusal = Refusal {
    code: METHOD_NOT_FOUND,
    message: "client does not support this",
};

const UNDECLARED_MODE: Refusal = Refusal {
    code: INVALID_PARAMS,
    message: "client does not support this mode",
};

fn check_elicitation(declared: Option<Object<'_>>, params: &Object<'_>) -> Result<(), Refusal> {
    let declared = declared.ok_or(UNDECLARED)?;
    let mode = params.text("mode");
    let is_declared = match mode.as_deref() {
        // An empty object declares forms, which is all there was before there were modes.
        None | Some("form") => {
            declared.object("form").is_some() || declared.object("url").is_none()
        }
        Some("url") => declared.object("url").is_some(),
        Some(_) => false,
    };
    is_declared.then_some(()).ok_or(UNDECLARED_MODE)
}

fn check_sampling(declared: Option<Object<'_>>, params: &Object<'_>) -> Result<(), Refusal> {
    let declared = declared.ok_or(UNDECLARED)?;
    let wants_tools = params.member("tools").is_some() || params.member("toolChoice").is_some();
    if wants_tools && declared.object("tools").is_none() {
        return Err(UNDECLARED_MODE);
    }
    Ok(())
}

/// One input of `inputRequests`: the key, and the request as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRequest {
    /// Key of `inputRequests` and `inputResponses`.
    pub key: String,
    /// `method` and `params`.
    pub request: String,
}

impl InputRequest {
    /// Of a server's own request `message`.
    #[must_use]
    pub fn of(key: String, method: &str, message: &Object<'_>) -> Self {
        let params = message.member("params");
        let params = params.map_or_else(String::new, |params| format!(",\"params\":{params}"));
        Self {
            key,
            request: format!("{{\"method\":{}{params}}}", quoted(method)),
        }
    }

    /// Whether a client with `capabilities` declared what it needs.
    pub fn check(&self, capabilities: &str) -> Result<(), Refusal> {
        let request = Object::parse(&self.request).unwrap_or_default();
        let method = request.text("method").unwrap_or_default();
        let params = request.object("params").unwrap_or_default();
        check(capabilities, &method, &params)
    }
}

/// The result that asks for `inputs`. Without a state the retry is a call of its own.
pub fn input_required<'a>(
    inputs: impl Iterator<Item = &'a InputRequest>,
    request_state: Option<&str>,
) -> String {
    let inputs: Vec<_> = inputs
        .map(|input| format!("{}:{}", quoted(&input.key), input.request))
        .collect();
    let state = request_state.map_or_else(String::new, |state| {
        format!(",\"requestState\":{}", quoted(state))
    });
    format!(
        r#"{{"resultType":"input_required","inputRequests":{{{}}}{state}}}"#,
        inputs.join(",")
    )
}

/// What the `error` "URL elicitation required" of 2025-11-25 asks a client with `capabilities` for, so that it calls again
/// afterwards. `None`: it is another error, or the client cannot be asked.
#[must_use]
pub fn required_elicitations(error: &str, capabilities: &str) -> Option<String> {
    let error = Object::parse(error)?;
    if error.member("code") != Some(URL_ELICITATION_REQUIRED) {
        return None;
    }
    let data = error.object("data")?;
    let elicitations = elements(data.member("elicitations")?)?;
    if elicitations.is_empty() || elicitations.len() > INPUTS_MAX {
        return None;
    }
    let method = Method::ElicitationCreate.as_str();
    let inputs = elicitations.into_iter().enumerate().map(|(index, params)| {
        let mut params = Object::parse(params)?;
        params.set("mode", "\"url\"");
        check(capabilities, method, &params).ok()?;
        Some(InputRequest {
            key: format!("elicitation-{}", index + 1),
            request: format!("{{\"method\":\"{method}\",\"params\":{params}}}"),
        })
    });
    let inputs: Option<Vec<_>> = inputs.collect();
    Some(input_required(inputs?.iter(), None))
}

/// What an `input_required` result of a modern server asks for.
#[derive(Clone, Debug, Default)]
pub struct InputRequired {
    /// Each request with its key, in order.
    pub inputs: Vec<InputRequest>,
    /// `requestState` as written.
    pub state: Option<String>,
}

impl InputRequired {
    /// Reads `result`. `None`: it asks for nothing that makes sense, or for more than [`INPUTS_MAX`].
    #[must_use]
    pub fn read(result: &str) -> Option<Self> {
        let result = Object::parse(result)?;
        let state = result.member("requestState").map(str::to_owned);
        let requests = match result.member("inputRequests") {
            Some(requests) => Object::parse(requests)?,
            None => Object::default(),
        };
        let inputs: Vec<_> = requests
            .members()
            .map(|(key, request)| InputRequest {
                key,
                request: request.to_owned(),
            })
            .collect();
        let asks = !inputs.is_empty() || state.is_some();
        (asks && inputs.len() <= INPUTS_MAX).then_some(Self { inputs, state })
    }
}

/// `inputResponses` of `answers`, each a key with a result.
pub fn input_responses<'a>(answers: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let answers: Vec<_> = answers
        .map(|(key, result)| format!("{}:{result}", quoted(key)))
        .collect();
    format!("{{{}}}", answers.join(","))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{
        InputRequest, InputRequired, Object, can_be_asked, check, input_required, input_responses,
        required_elicitations,
    };

    #[test]
    fn a_client_is_asked_what_it_declared_and_nothing_else() {
        const E: &str = "elicitation/create";
        const S: &str = "sampling/createMessage";
        for (capabilities, method, params, code) in [
            (r#"{"elicitation":{}}"#, E, "{}", 0),
            (r#"{"elicitation":{}}"#, E, r#"{"mode":"form"}"#, 0),
            (r#"{"elicitation":{}}"#, E, r#"{"mode":"url"}"#, -32_602),
            (r#"{"elicitation":{"url":{}}}"#, E, r#"{"mode":"url"}"#, 0),
            (r#"{"elicitation":{"url":{}}}"#, E, "{}", -32_602),
            (
                r#"{"elicitation":{"form":{},"url":{}}}"#,
                E,
                r#"{"mode":"form"}"#,
                0,
            ),
            (r#"{"elicitation":{}}"#, E, r#"{"mode":"x"}"#, -32_602),
            (r#"{"sampling":{}}"#, E, "{}", -32_601),
            (r#"{"elicitation":null}"#, E, "{}", -32_601),
            (r#"{"sampling":{}}"#, S, "{}", 0),
            (r#"{"sampling":{}}"#, S, r#"{"tools":[]}"#, -32_602),
            (r#"{"sampling":{"tools":{}}}"#, S, r#"{"tools":[]}"#, 0),
            ("{}", "roots/list", "{}", -32_601),
            (r#"{"roots":{}}"#, "roots/list", "{}", 0),
            (r#"{"roots":{}}"#, "tools/list", "{}", -32_601),
        ] {
            let checked = check(capabilities, method, &Object::parse(params).unwrap());
            let found = checked.map_or_else(|refusal| refusal.code, |()| 0);
            assert_eq!(found, code, "{capabilities} {method} {params}");
        }
        assert!(can_be_asked(r#"{"roots":{}}"#));
        assert!(!can_be_asked(r#"{"extensions":{}}"#));
    }

    #[test]
    fn inputs_go_out_and_come_back_with_their_spelling() {
        let message =
            Object::parse(r#"{"id":1,"method":"roots/list","params":{"n":1.0}}"#).unwrap();
        let input = InputRequest::of("k\"1".to_owned(), "roots/list", &message);
        let result = input_required(std::iter::once(&input), Some("st"));
        assert_eq!(
            result,
            r#"{"resultType":"input_required","inputRequests":{"k\"1":{"method":"roots/list","params":{"n":1.0}}},"requestState":"st"}"#
        );
        let read = InputRequired::read(&result).unwrap();
        assert_eq!(read.inputs, [input]);
        assert_eq!(read.state.as_deref(), Some("\"st\""));
        assert_eq!(
            input_responses([("a", r#"{"roots":[]}"#), ("b", "{}")].into_iter()),
            r#"{"a":{"roots":[]},"b":{}}"#
        );
        for bad in [
            "{}",
            "[]",
            r#"{"inputRequests":{}}"#,
            r#"{"inputRequests":[]}"#,
        ] {
            assert!(InputRequired::read(bad).is_none(), "{bad}");
        }
        let many: Vec<_> = (0..17).map(|key| format!("\"{key}\":{{}}")).collect();
        let many = format!("{{\"inputRequests\":{{{}}}}}", many.join(","));
        assert!(InputRequired::read(&many).is_none());
    }

    #[test]
    fn required_elicitations_become_inputs_of_a_call_that_is_made_again() {
        const URL: &str = r#"{"elicitation":{"url":{}}}"#;
        let error = |code: i32, data: &str| {
            format!(r#"{{"code":{code},"message":"m","data":{{"elicitations":{data}}}}}"#)
        };
        let one = r#"[{"mode":"url","elicitationId":"e","url":"https://x/","n":1.0}]"#;
        assert_eq!(
            required_elicitations(&error(-32_042, one), URL).unwrap(),
            r#"{"resultType":"input_required","inputRequests":{"elicitation-1":{"method":"elicitation/create","params":{"mode":"url","elicitationId":"e","url":"https://x/","n":1.0}}}}"#
        );
        for (code, data, capabilities) in [
            (-32_041, one, URL),
            (-32_042, "[]", URL),
            (-32_042, "{}", URL),
            (-32_042, "[1]", URL),
            (-32_042, one, r#"{"elicitation":{}}"#),
            (-32_042, one, "{}"),
        ] {
            assert_eq!(
                required_elicitations(&error(code, data), capabilities),
                None,
                "{data}"
            );
        }
    }
}
