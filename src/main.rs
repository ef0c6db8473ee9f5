//! The `mcp-guard` binary: everything is in the library's `cli`.

fn main() -> std::process::ExitCode {
    mcp_guard::cli::main()
}
