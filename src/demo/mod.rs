//! The built-in MCP server behind `mcp-guard demo`.
