//! Admission: a request head, then its body, become a permitted call or a refusal.
