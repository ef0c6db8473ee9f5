//! GCRA quotas.
