//! Configuration: file → tree with positions → validated model → compiled snapshot.
