//! One JSON object of the file, member by member.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::StoreError;

/// `value` as it is written.
pub(super) fn written(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// `bytes` as a record has them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A record being read. What is not as it was written is damage: nobody else writes the file.
pub(super) struct Record<'r> {
    table: &'static str,
    members: Cow<'r, Map<String, Value>>,
}

impl<'r> Record<'r> {
    pub(super) fn read(table: &'static str, bytes: &[u8]) -> Result<Self, StoreError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self {
                table,
                members: Cow::Owned(members),
            }),
            _ => Err(damaged(table)),
        }
    }

    pub(super) fn of(table: &'static str, value: &'r Value) -> Result<Self, StoreError> {
        let members = value.as_object().ok_or_else(|| damaged(table))?;
        Ok(Self {
            table,
            members: Cow::Borrowed(members),
        })
    }

    pub(super) fn damaged(&self) -> StoreError {
        damaged(self.table)
    }

    /// The member called `name`; `null` counts as absent.
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// The member called `name` as `read` takes it, where it is there.
    fn maybe<'s, T>(
        &'s self,
        name: &str,
        read: impl FnOnce(&'s Value) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(value) = self.member(name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| self.damaged())
    }

    pub(super) fn object(&self, name: &str) -> Result<Record<'_>, StoreError> {
        let value = self.member(name).ok_or_else(|| self.damaged())?;
        Record::of(self.table, value)
    }

    pub(super) fn array(&self, name: &str) -> Result<&[Value], StoreError> {
        let array = self.maybe(name, Value::as_array)?;
        Ok(array.ok_or_else(|| self.damaged())?)
    }

    pub(super) fn maybe_text(&self, name: &str) -> Result<Option<&str>, StoreError> {
        self.maybe(name, Value::as_str)
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.maybe_text(name)?.ok_or_else(|| self.damaged())
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<Box<str>>, StoreError> {
        let text = |value: &Value| value.as_str().map(Into::into);
        let texts = self.array(name)?.iter().map(text);
        texts.collect::<Option<_>>().ok_or_else(|| self.damaged())
    }

    pub(super) fn maybe_number(&self, name: &str) -> Result<Option<u64>, StoreError> {
        self.maybe(name, Value::as_u64)
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, StoreError> {
        self.maybe_number(name)?.ok_or_else(|| self.damaged())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, StoreError> {
        let flag = self.maybe(name, Value::as_bool)?;
        flag.ok_or_else(|| self.damaged())
    }

    pub(super) fn maybe_bytes(&self, name: &str) -> Result<Option<Box<[u8]>>, StoreError> {
        self.maybe(name, |value| {
            let decoded = URL_SAFE_NO_PAD.decode(value.as_str()?).ok()?;
            Some(decoded.into())
        })
    }

    pub(super) fn maybe_fixed<const N: usize>(
        &self,
        name: &str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.maybe_bytes(name)?;
        let fixed = bytes.map(|bytes| <[u8; N]>::try_from(&*bytes));
        fixed.transpose().map_err(|_| self.damaged())
    }

    pub(super) fn fixed<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        self.maybe_fixed(name)?.ok_or_else(|| self.damaged())
    }
}

fn damaged(table: &str) -> StoreError {
    StoreError::Broken(format!("a record of its table {table} is damaged"))
}
