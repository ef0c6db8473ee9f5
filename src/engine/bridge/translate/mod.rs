//! Translation between the eras.
