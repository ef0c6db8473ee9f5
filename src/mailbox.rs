//! The whole vocabulary between the control thread and the workers.
