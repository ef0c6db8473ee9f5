//! Modern clients in front of a modern server that is no HTTP server: one child for all, requests remapped.
