//! Requests of many modern clients over one channel: ids, tokens and subscriptions remapped.
