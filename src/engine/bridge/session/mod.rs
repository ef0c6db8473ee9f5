//! One session of a legacy client over one channel to its server: streams, routing, resumption.
