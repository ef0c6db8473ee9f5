//! Which certificate a client is shown. RFC 6066 §3.

use std::{cell::Cell, collections::HashMap, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::der;

thread_local! {
    /// The name in the hello that this thread worked off last. rustls tells it to the resolver alone when it is driven
    /// without buffers of its own; both calls are made by one `process_tls_records`, with nothing in between.
    static NAMED: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// Takes the name that the hello worked off last asked for, lower case.
pub(super) fn take_named() -> Option<Box<str>> {
    NAMED.take()
}

/// The certificates of a listener, by the names in them.
#[derive(Debug)]
pub(super) struct Certificates {
    /// At least one; the first is for names that no certificate is for.
    keys: Box<[Arc<CertifiedKey>]>,
    by_name: HashMap<Box<str>, Vec<usize>>,
    /// By what follows the asterisk and its dot; it stands for one label.
    by_parent: HashMap<Box<str>, Vec<usize>>,
}

impl Certificates {
    /// Files `keys` under their names. `None` when there is no key.
    pub(super) fn new(keys: Vec<Arc<CertifiedKey>>) -> Option<Self> {
        if keys.is_empty() {
            return None;
        }
        let mut certificates = Self {
            keys: keys.into(),
            by_name: HashMap::new(),
            by_parent: HashMap::new(),
        };
        for index in 0..certificates.keys.len() {
            certificates.file(index);
        }
        Some(certificates)
    }

    fn file(&mut self, index: usize) {
        let key = self.keys[index].clone();
        for name in key
            .cert
            .first()
            .into_iter()
            .flat_map(|der| der::dns_names(der))
        {
            let name = name.to_ascii_lowercase();
            let (table, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.by_parent, parent),
                None => (&mut self.by_name, name.as_str()),
            };
            table.entry(name.into()).or_default().push(index);
        }
    }

    /// The certificates for `name`; one that spells it out goes before one with an asterisk.
    fn named(&self, name: &str) -> Option<&[usize]> {
        let exact = self.by_name.get(name);
        let wild = || self.by_parent.get(name.split_once('.')?.1);
        exact.or_else(wild).map(Vec::as_slice)
    }

    /// The certificate for `name`, lower case, that `fits` what the client can verify, where there are several.
    fn pick(&self, name: Option<&str>, fits: impl Fn(&CertifiedKey) -> bool) -> &Arc<CertifiedKey> {
        let named = name.and_then(|name| self.named(name)).unwrap_or(&[0]);
        let fitting = named.iter().find(|&&index| fits(&self.keys[index]));
        &self.keys[*fitting.or(named.first()).unwrap_or(&0)]
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let schemes = hello.signature_schemes();
        let key = self.pick(name.as_deref(), |key| {
            key.key.choose_scheme(schemes).is_some()
        });
        NAMED.set(name.map(Into::into));
        Some(key.clone())
    }
}

#[cfg(test)]
mod tests;
