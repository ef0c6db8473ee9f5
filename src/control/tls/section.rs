//! What one section of the configuration asks for, and what its files made of it.
//!
//! Findings name keys within the section; whoever knows where it is written adds that.

use std::path::{Path, PathBuf};

use guard_io::tls::{
    ClientAuth, ClientTls, ClientTlsSpec, MinVersion, ServerTls, ServerTlsSpec, TlsError,
};

use super::certificate::Dated;
use super::file::Stamps;
use super::gather::{Gathered, Named, PairKeys};
use crate::config::Finding;
use crate::config::model::{self, Tls, TlsVersion, UpstreamTls};

/// Material, with what it was made of.
#[derive(Debug)]
pub(super) struct Section<S, M> {
    spec: S,
    /// What the files were before they were read.
    pub(super) stamps: Stamps,
    pub(super) made: M,
    pub(super) certificates: Vec<Dated>,
    warnings: Vec<Finding>,
}

/// `[server.tls]`.
pub(super) type ServerSection = Section<Tls, ServerTls>;

/// The TLS of one https upstream.
pub(super) type ClientSection = Section<UpstreamTls, ClientTls>;

impl<S: PartialEq, M> Section<S, M> {
    /// Whether it was made of what `spec` says.
    pub(super) fn is_for(&self, spec: &S) -> bool {
        self.spec == *spec
    }

    /// Whether its files are as they were.
    pub(super) fn is_current(&self) -> bool {
        self.stamps.now() == self.stamps
    }

    /// What there is to say of it at `now_secs`.
    pub(super) fn warnings(&self, now_secs: u64) -> impl Iterator<Item = Finding> {
        let dated = self.certificates.iter();
        let dated = dated.filter_map(move |certificate| certificate.finding(now_secs));
        self.warnings.iter().cloned().chain(dated)
    }

    fn new(
        spec: &S,
        stamps: Stamps,
        made: Option<M>,
        gathered: Gathered,
    ) -> Result<Self, Vec<Finding>>
    where
        S: Clone,
    {
        match made {
            Some(made) => Ok(Self {
                spec: spec.clone(),
                stamps,
                made,
                certificates: gathered.certificates,
                warnings: gathered.warnings,
            }),
            None => Err(gathered.errors),
        }
    }
}

/// Loads what `[server.tls]` names. Errors: all of them.
pub(super) fn server(spec: &Tls) -> Result<ServerSection, Vec<Finding>> {
    let stamps = Stamps::of(server_paths(spec));
    let mut gathered = Gathered::default();
    let made = server_tls(spec, &mut gathered);
    Section::new(spec, stamps, made, gathered)
}

/// Loads what an https upstream names. Errors: all of them.
pub(super) fn client(spec: &UpstreamTls) -> Result<ClientSection, Vec<Finding>> {
    let stamps = Stamps::of(client_paths(spec));
    let mut gathered = Gathered::default();
    let made = client_tls(spec, &mut gathered);
    Section::new(spec, stamps, made, gathered)
}

fn server_paths(spec: &Tls) -> impl Iterator<Item = &Path> {
    let pairs = spec.certificates.iter();
    let pairs = pairs.flat_map(|files| [files.cert_path.as_path(), &files.key_path]);
    let trust = [&spec.client_ca_path, &spec.crl_path];
    pairs.chain(trust.into_iter().flatten().map(|path| path.as_path()))
}

fn client_paths(spec: &UpstreamTls) -> impl Iterator<Item = &Path> {
    let pair = spec.client.iter();
    let pair = pair.flat_map(|files| [files.cert_path.as_path(), &files.key_path]);
    pair.chain(spec.ca_path.as_deref())
}

/// Where the certificate of `index` is written: in the section itself, or in its list.
fn pair_keys(spec: &Tls, index: usize) -> PairKeys {
    let place = match index.checked_sub(usize::from(spec.has_own)) {
        None => String::new(),
        Some(further) => format!("certificates[{further}]."),
    };
    PairKeys {
        chain: format!("{place}cert_path"),
        key: format!("{place}key_path"),
    }
}

const CLIENT_CA_KEY: &str = "client_ca_path";
const CRL_KEY: &str = "crl_path";
const ROOTS_KEY: &str = "tls_ca_path";
const URL_KEY: &str = "url";

fn server_tls(spec: &Tls, gathered: &mut Gathered) -> Option<ServerTls> {
    let pairs = spec.certificates.iter().enumerate();
    let pairs: Vec<_> = pairs
        .map(|(index, files)| gathered.pair(&pair_keys(spec, index), files))
        .collect();
    let client_auth = client_auth(spec, gathered);
    let made = ServerTls::new(ServerTlsSpec {
        certificates: pairs.into_iter().collect::<Option<_>>()?,
        client_auth: client_auth?,
        min_version: match spec.min_version {
            TlsVersion::Tls12 => MinVersion::Tls12,
            TlsVersion::Tls13 => MinVersion::Tls13,
        },
    });
    match made {
        Ok(made) => Some(made),
        Err((index, fault)) => {
            blame(spec, index, &fault, gathered);
            None
        }
    }
}

fn client_auth(spec: &Tls, gathered: &mut Gathered) -> Option<ClientAuth> {
    let wrap = match spec.client_auth {
        model::ClientAuth::None => return Some(ClientAuth::None),
        model::ClientAuth::Optional => ClientAuth::Optional,
        model::ClientAuth::Required => ClientAuth::Required,
    };
    let named = |key_path, path| Named { key_path, path };
    // The configuration was refused without it.
    let roots = named(CLIENT_CA_KEY, spec.client_ca_path.as_deref()?);
    let lists = spec.crl_path.as_deref().map(|path| named(CRL_KEY, path));
    gathered.trust(roots, lists).map(wrap)
}

/// Notes `fault`, which the parts have only together, at the key that it is most likely about.
fn blame(spec: &Tls, index: usize, fault: &TlsError, gathered: &mut Gathered) {
    let keys = pair_keys(spec, index);
    let files = spec.certificates.get(index);
    let (key_path, path) = match fault {
        TlsError::BadCrl(_) => (CRL_KEY, spec.crl_path.as_deref()),
        _ if files.is_none() => (CLIENT_CA_KEY, spec.client_ca_path.as_deref()),
        TlsError::NoKey | TlsError::BadKey(_) | TlsError::KeyMismatch => {
            (&*keys.key, files.map(|files| files.key_path.as_path()))
        }
        _ => (&*keys.chain, files.map(|files| files.cert_path.as_path())),
    };
    gathered.unusable(key_path, path.unwrap_or(Path::new("")), fault);
}

fn client_tls(spec: &UpstreamTls, gathered: &mut Gathered) -> Option<ClientTls> {
    let keys = PairKeys {
        chain: "tls_client_cert_path".to_owned(),
        key: "tls_client_key_path".to_owned(),
    };
    let pair = spec.client.as_ref();
    let pair = pair.map(|files| gathered.pair(&keys, files));
    let trust = match &spec.ca_path {
        Some(path) => {
            let key_path = ROOTS_KEY;
            gathered.trust(Named { key_path, path }, None)
        }
        None => gathered.system_trust(URL_KEY),
    };
    let certificate = match pair {
        Some(pair) => Some(pair?),
        None => None,
    };
    let trust = trust?;
    match ClientTls::new(ClientTlsSpec { trust, certificate }) {
        Ok(made) => Some(made),
        Err(fault) => {
            blame_client(spec, &keys, &fault, gathered);
            None
        }
    }
}

/// As [`blame`], for an upstream.
fn blame_client(spec: &UpstreamTls, keys: &PairKeys, fault: &TlsError, gathered: &mut Gathered) {
    let (key_path, path) = match (fault, &spec.client) {
        (TlsError::NoKey | TlsError::BadKey(_) | TlsError::KeyMismatch, Some(files)) => {
            (&*keys.key, Some(&files.key_path))
        }
        (TlsError::NoCertificate | TlsError::BadCertificate(_), Some(files)) => {
            (&*keys.chain, Some(&files.cert_path))
        }
        _ => (ROOTS_KEY, spec.ca_path.as_ref()),
    };
    gathered.unusable(
        key_path,
        path.map_or(Path::new(""), PathBuf::as_path),
        fault,
    );
}
