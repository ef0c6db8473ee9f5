//! The annotations of an `inputSchema` (2026-07-28, Schema Extension).

use std::fmt;

use serde_json::{Map, Value};

use super::{PARAM_PREFIX, PARAMS_MAX, Param, ParamHeaders};

const ANNOTATION: &str = "x-mcp-header";

/// Keywords of JSON Schema 2020-12 whose value is a schema, an array of schemas, or an object of schemas. An annotation
/// below any of them is out of place; below other keywords (`default`, `enum`, …) it is data and no annotation.
const WITH_SCHEMAS: [&str; 19] = [
    "items",
    "contains",
    "unevaluatedItems",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
    "allOf",
    "anyOf",
    "oneOf",
    "prefixItems",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];

/// Of [`WITH_SCHEMAS`], those whose value is an object of schemas rather than a schema.
const WITH_NAMED_SCHEMAS: [&str; 4] = [
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];

/// Why a tool's annotations are not sound. Clients must then not be shown the tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaError {
    /// It cannot be read, or is nested too deep to be.
    Unreadable,
    /// An annotation where no chain of `properties` leads.
    OutOfPlace,
    /// An annotation that is no field name.
    NotAToken,
    /// An annotated parameter that is no string, integer or boolean.
    NotPrimitive,
    /// Two annotations that differ in case at most.
    Repeated,
    /// More annotations than [`PARAMS_MAX`].
    TooMany,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("inputSchema cannot be read"),
            Self::OutOfPlace => f.write_str("x-mcp-header is not reached by properties alone"),
            Self::NotAToken => f.write_str("x-mcp-header is not a header field name"),
            Self::NotPrimitive => {
                f.write_str("x-mcp-header is on a parameter that is not string, integer or boolean")
            }
            Self::Repeated => f.write_str("x-mcp-header has one name twice"),
            Self::TooMany => write!(
                f,
                "x-mcp-header is on more parameters than the limit of {PARAMS_MAX}"
            ),
        }
    }
}

impl std::error::Error for SchemaError {}

impl ParamHeaders {
    /// The annotated parameters of the JSON text `schema`, an `inputSchema`.
    ///
    /// A text that cannot hold an annotation is not parsed. O(bytes). Errors: see [`SchemaError`].
    pub fn of_schema(schema: &[u8]) -> Result<Self, SchemaError> {
        if !may_be_annotated(schema) {
            return Ok(Self::default());
        }
        let root: Value = serde_json::from_slice(schema).map_err(|_| SchemaError::Unreadable)?;
        let mut params = Vec::new();
        walk(&root, Some(&mut Vec::new()), &mut params)?;
        Ok(Self {
            params: params.into(),
        })
    }
}

/// Any spelling of the annotation holds its name or a `\u` escape.
fn may_be_annotated(schema: &[u8]) -> bool {
    memchr::memmem::find(schema, ANNOTATION.as_bytes()).is_some()
        || memchr::memmem::find(schema, b"\\u").is_some()
}

/// Collects the annotations at and below `node`. `path` is the chain of `properties` to it, `None` off any such chain.
fn walk(
    node: &Value,
    mut path: Option<&mut Vec<Box<str>>>,
    params: &mut Vec<Param>,
) -> Result<(), SchemaError> {
    let Value::Object(schema) = node else {
        return Ok(());
    };
    if let Some(annotation) = schema.get(ANNOTATION) {
        let path = path.as_deref().ok_or(SchemaError::OutOfPlace)?;
        params.push(read(schema, annotation, path, params)?);
    }
    for (keyword, value) in schema {
        match value {
            Value::Object(named) if keyword == "properties" => {
                properties(named, path.as_deref_mut(), params)?;
            }
            Value::Object(named) if WITH_NAMED_SCHEMAS.contains(&keyword.as_str()) => {
                named
                    .values()
                    .try_for_each(|below| walk(below, None, params))?;
            }
            _ if !WITH_SCHEMAS.contains(&keyword.as_str()) => {}
            Value::Array(list) => list
                .iter()
                .try_for_each(|below| walk(below, None, params))?,
            _ => walk(value, None, params)?,
        }
    }
    Ok(())
}

fn properties(
    named: &Map<String, Value>,
    mut path: Option<&mut Vec<Box<str>>>,
    params: &mut Vec<Param>,
) -> Result<(), SchemaError> {
    for (name, below) in named {
        match path.as_deref_mut() {
            None => walk(below, None, params)?,
            Some(path) => {
                path.push(name.as_str().into());
                walk(below, Some(path), params)?;
                path.pop();
            }
        }
    }
    Ok(())
}

fn read(
    schema: &Map<String, Value>,
    annotation: &Value,
    path: &[Box<str>],
    params: &[Param],
) -> Result<Param, SchemaError> {
    if path.is_empty() {
        return Err(SchemaError::OutOfPlace);
    }
    let name = annotation
        .as_str()
        .filter(|name| is_token(name))
        .ok_or(SchemaError::NotAToken)?;
    let kind = schema.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("string" | "integer" | "boolean")) {
        return Err(SchemaError::NotPrimitive);
    }
    let field = format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase());
    if params.iter().any(|param| *param.field == *field) {
        return Err(SchemaError::Repeated);
    }
    if params.len() >= PARAMS_MAX {
        return Err(SchemaError::TooMany);
    }
    Ok(Param {
        field: field.into(),
        path: path.into(),
    })
}

/// RFC 9110 §5.6.2.
fn is_token(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_tchar)
}
