//! Principal × call → permit or denial.
