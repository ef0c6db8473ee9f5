//! What the gateway reads of MCP: messages, methods, headers, revisions, SSE framing.
