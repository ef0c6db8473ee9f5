//! Path → upstream server.
