"""Where `scripts/test-deps.sh` put the packages that the tests run."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "tests" / ".cache"

NODE_22 = CACHE / "node22" / "node_modules" / ".bin" / "node"
VENV_PYTHON = CACHE / "venv" / "bin" / "python"
TYPESCRIPT = CACHE / "typescript" / "node_modules"
PYTHON_CONFORMANCE = CACHE / "python-conformance" / "examples" / "servers" / "everything-server"
SERVER_EVERYTHING = (
    CACHE / "server-everything" / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
)


class Missing(Exception):
    """A package that the tests run is not installed."""

    def __init__(self, path):
        super().__init__(f"{path} is not installed; run scripts/test-deps.sh")


def conformance_suite(release):
    """The entry file of a conformance suite; `release` is `stable` or `next`."""
    modules = CACHE / f"conformance-{release}" / "node_modules"
    return modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def require(*paths):
    """Refuses to go on when one of `paths` is not there."""
    for path in paths:
        if not os.path.exists(path):
            raise Missing(path)
