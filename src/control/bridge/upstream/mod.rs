//! Servers over HTTP as a bridge speaks to them: HTTP+SSE, Streamable HTTP of either era.
