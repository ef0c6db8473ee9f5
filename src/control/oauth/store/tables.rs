//! The tables of the file, all of them open in one transaction.

use redb::{
    Key, ReadableTable, ReadableTableMetadata as _, Table, TableDefinition, Value, WriteTransaction,
};

use super::StoreError;

/// Facts about the file itself.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Clients that registered themselves, by id.
pub(super) const CLIENTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("clients");
/// Registered clients that nobody ever allowed anything, by when they registered.
pub(super) const UNUSED: TableDefinition<'_, (u64, &str), ()> = TableDefinition::new("unused");
/// Consents, by user and client.
pub(super) const CONSENTS: TableDefinition<'_, (&str, &str), &[u8]> =
    TableDefinition::new("consents");
/// Codes by hash: what each stands for, or which grant came of it.
pub(super) const CODES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("codes");
/// Grants by id.
pub(super) const GRANTS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("grants");
/// Grants of each user, by when they began.
pub(super) const OF_USER: TableDefinition<'_, (&str, u64, &[u8; 16]), ()> =
    TableDefinition::new("grants_of_user");
/// Refresh tokens by hash: grant, place among the grant's, first second at which it is worth nothing.
pub(super) const REFRESH: TableDefinition<'_, &[u8; 32], (&[u8; 16], u32, u64)> =
    TableDefinition::new("refresh");
/// Refresh tokens of each grant, by place.
pub(super) const CHAIN: TableDefinition<'_, (&[u8; 16], u32), &[u8; 32]> =
    TableDefinition::new("refresh_of_grant");
/// Grants that were revoked, with the first second at which the last token of each has ended.
pub(super) const REVOKED: TableDefinition<'_, &[u8; 16], u64> = TableDefinition::new("revoked");
/// Signing keys, by age.
pub(super) const KEYS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("keys");
/// What is to be looked at when: the second, the kind of record, its key.
pub(super) const DUE: TableDefinition<'_, (u64, u8, &[u8]), ()> = TableDefinition::new("due");

/// Every table, open for writing. None of them can be opened twice in one transaction, so they are opened together.
pub(super) struct Tables<'t> {
    pub(super) meta: Table<'t, &'static str, &'static [u8]>,
    pub(super) clients: Table<'t, &'static str, &'static [u8]>,
    pub(super) unused: Table<'t, (u64, &'static str), ()>,
    pub(super) consents: Table<'t, (&'static str, &'static str), &'static [u8]>,
    pub(super) codes: Table<'t, &'static [u8; 32], &'static [u8]>,
    pub(super) grants: Table<'t, &'static [u8; 16], &'static [u8]>,
    pub(super) of_user: Table<'t, (&'static str, u64, &'static [u8; 16]), ()>,
    pub(super) refresh: Table<'t, &'static [u8; 32], (&'static [u8; 16], u32, u64)>,
    pub(super) chain: Table<'t, (&'static [u8; 16], u32), &'static [u8; 32]>,
    pub(super) revoked: Table<'t, &'static [u8; 16], u64>,
    pub(super) keys: Table<'t, u32, &'static [u8]>,
    pub(super) due: Table<'t, (u64, u8, &'static [u8]), ()>,
}

impl<'t> Tables<'t> {
    /// Opens all of them, and makes those that are not there.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            clients: transaction.open_table(CLIENTS)?,
            unused: transaction.open_table(UNUSED)?,
            consents: transaction.open_table(CONSENTS)?,
            codes: transaction.open_table(CODES)?,
            grants: transaction.open_table(GRANTS)?,
            of_user: transaction.open_table(OF_USER)?,
            refresh: transaction.open_table(REFRESH)?,
            chain: transaction.open_table(CHAIN)?,
            revoked: transaction.open_table(REVOKED)?,
            keys: transaction.open_table(KEYS)?,
            due: transaction.open_table(DUE)?,
        })
    }

    /// Whether there is anything that a user allowed, or a login that is about to end in that.
    pub(super) fn has_users(&self) -> Result<bool, StoreError> {
        let has_none =
            self.grants.is_empty()? && self.consents.is_empty()? && self.codes.is_empty()?;
        Ok(!has_none)
    }
}

/// The bytes under `key`, copied.
pub(super) fn bytes_at<'k, K: Key + 'static>(
    table: &impl ReadableTable<K, &'static [u8]>,
    key: impl std::borrow::Borrow<K::SelfType<'k>>,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(table.get(key)?.map(|found| found.value().to_vec()))
}

/// Empties `table`.
pub(super) fn clear<K: Key + 'static, V: Value + 'static>(
    table: &mut Table<'_, K, V>,
) -> Result<(), StoreError> {
    Ok(table.retain(|_, _| false)?)
}

/// Errors of the library, told in its words: they name no content of the file.
macro_rules! broken {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Broken(error.to_string())
            }
        }
    )*};
}

broken!(
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::TransactionError
);
