//! A provider over the network, and its lies.
