//! Every bound of the gateway, with its unit.
