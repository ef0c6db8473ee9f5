//! Loading the configuration that `-c` names, as of now.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::args::Global;
use crate::cli::failure::Failure;
use crate::config::{Loaded, Overrides, Refused, System, load};
use crate::control::tls::{self, Materials};

/// Loads it for `validate`, which tells everything, with the certificates that it names.
pub(super) fn with_certificates(global: &Global) -> Result<(Loaded, Materials), Refused> {
    tls::load(checked(global)?, &Materials::default(), tls::now_secs())
}

/// Loads it without looking at certificates.
fn checked(global: &Global) -> Result<Loaded, Refused> {
    load(
        &global.config_path(),
        &Overrides::default(),
        &System,
        now_unix_secs(),
    )
}

/// Loads it for a command that needs a good one.
pub(super) fn sound(global: &Global) -> Result<Loaded, Failure> {
    checked(global).map_err(|refused| Failure::configuration(global.config_path(), &refused))
}

/// The same, with the certificates that it names.
pub(super) fn sound_with_certificates(global: &Global) -> Result<(Loaded, Materials), Failure> {
    with_certificates(global)
        .map_err(|refused| Failure::configuration(global.config_path(), &refused))
}

/// The time, in Unix seconds.
pub(super) fn now_unix_secs() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
