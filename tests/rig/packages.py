"""Where `scripts/test-deps.sh` put the packages that the tests run."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "tests" / ".cache"

NODE_22 = CACHE / "node22" / "node_modules" / ".bin" / "node"
VENV_PYTHON = CACHE / "venv" / "bin" / "python"
VENV_1_PYTHON = CACHE / "venv-1" / "bin" / "python"
TYPESCRIPT = CACHE / "typescript" / "node_modules"
PYTHON_CONFORMANCE = CACHE / "python-conformance" / "examples" / "servers" / "everything-server"
SERVER_EVERYTHING = (
    CACHE / "server-everything" / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
)
SERVER_FILESYSTEM = (
    CACHE / "server-filesystem" / "node_modules" / "@modelcontextprotocol" / "server-filesystem" / "dist" / "index.js"
)
OIDC_PROVIDER = CACHE / "oidc-provider" / "node_modules" / "oidc-provider"
PLAYWRIGHT = CACHE / "browser" / "node_modules" / "playwright-core"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# Built by `make fixture` and `make rmcp-server`. GUARD_FIXTURE names another build of the former.
STDIO_FIXTURE = pathlib.Path(os.environ.get("GUARD_FIXTURE", TARGET / "debug" / "examples" / "stdio_server"))
RMCP_SERVER = TARGET / "debug" / "rmcp-server"


class Missing(Exception):
    """A package that the tests run is not installed."""

    def __init__(self, path):
        super().__init__(f"{path} is missing; run scripts/test-deps.sh, and make fixture for the server of our own")


def conformance_suite(release):
    """The entry file of a conformance suite; `release` is `stable` or `next`."""
    modules = CACHE / f"conformance-{release}" / "node_modules"
    return modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def require(*paths):
    """Refuses to go on when one of `paths` is not there."""
    for path in paths:
        if not os.path.exists(path):
            raise Missing(path)
