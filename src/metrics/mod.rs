//! Every metric: its name, labels, buckets, cells and exposition.
//!
//! Workers count into cells of their own ([`WorkerMetrics`], [`UpstreamCells`]) with plain loads and stores; a scrape adds
//! the cells of all workers up and writes the Prometheus text format.
//! Names are defined once, in [`family`].
//!
//! **Invariant:** no label takes a value that a client can invent: each label is a closed enum here, a method of the
//! engine's closed set, a configured server name or issuer, or a worker's number.

mod cells;
mod child;
mod control;
mod exposition;
pub mod family;
mod histogram;
mod labels;
mod oauth;
pub mod scrape;
mod session;
mod upstream;
mod worker;

pub use cells::{Counter, Gauge};
pub use child::ChildCells;
pub use control::{CertificateEnd, ControlMetrics};
pub use exposition::{CONTENT_TYPE, Exposition, Samples};
pub use family::{Family, Kind};
pub use histogram::{BUCKET_BOUNDS_NS, Histogram, HistogramTotal};
pub use labels::{
    AuthResult, Bound, ChildEnd, ChildStart, JwksResult, OAuthResult, ProviderCall, ProviderResult,
    ReloadResult, STATUSES, SessionEvent, TlsHandshake, TlsReload, UnplacedMessage, UpstreamResult,
    VouchResult, provider_label, status_label,
};
pub use oauth::OAuthCells;
pub use session::SessionCells;
pub use upstream::UpstreamCells;
pub use worker::{METHODS_MAX, WorkerMetrics};
