//! Clients of one era in front of servers of the other.
