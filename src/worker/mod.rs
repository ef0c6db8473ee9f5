//! The data plane: drives connections with the decisions of the engine.
