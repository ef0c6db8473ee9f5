//! Every metric name, label and bucket, defined once.
