"""The MCP servers that the gateway is put in front of."""

import pathlib

from . import packages
from .processes import Service, free_port

RECORDER = pathlib.Path(__file__).with_name("recorder.py")


def python_conformance(folder):
    """The conformance server of the Python SDK: both eras, sessions, resumption, server→client requests."""
    packages.require(packages.VENV_PYTHON, packages.PYTHON_CONFORMANCE)
    port = free_port()
    command = [packages.VENV_PYTHON, "-m", "mcp_everything_server.server", "--port", port, "--log-level", "ERROR"]
    return Service("python-conformance", command, port, folder, cwd=packages.PYTHON_CONFORMANCE)


def server_everything(folder):
    """The TypeScript reference server, which speaks the revisions up to 2025-11-25."""
    packages.require(packages.NODE_22, packages.SERVER_EVERYTHING)
    port = free_port()
    command = [packages.NODE_22, packages.SERVER_EVERYTHING, "streamableHttp"]
    return Service("server-everything", command, port, folder, env={"PORT": str(port)})


def recorder(folder):
    """Our own server, which remembers what reached it: see `recorder.py`."""
    packages.require(packages.VENV_PYTHON)
    port = free_port()
    return Service("recorder", [packages.VENV_PYTHON, RECORDER, port], port, folder)
