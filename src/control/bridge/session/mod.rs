//! Legacy clients in front of a [`Connector`](super::Connector): sessions, streams, resumption.
