//! List answers pruned to what the policy allows.
