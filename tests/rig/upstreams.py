"""The MCP servers that the gateway is put in front of: over HTTP, over HTTP+SSE, and as its children."""

import pathlib
from dataclasses import dataclass, field

from . import packages
from .processes import Service, free_port

RECORDER = pathlib.Path(__file__).with_name("recorder.py")
SSE_SERVER = pathlib.Path(__file__).with_name("sse_server.py")
# The Python SDK writes its warnings to standard error; nobody reads them here.
QUIET = ("-W", "ignore")


@dataclass(frozen=True)
class Child:
    """A server over standard input and output, which the gateway starts by itself."""

    name: str
    command: pathlib.Path
    args: list
    cwd: pathlib.Path | None = None
    env: dict = field(default_factory=dict)

    def __enter__(self):
        packages.require(self.command)
        return self

    def __exit__(self, *_):
        """The gateway ends its children; whoever started the gateway looks whether it did."""

    @property
    def keys(self):
        """How an upstream section of the gateway's configuration names this server."""
        keys = {"transport": "stdio", "command": str(self.command), "args": [str(each) for each in self.args]}
        if self.cwd:
            keys["cwd"] = str(self.cwd)
        return keys | ({"env": self.env} if self.env else {})


def python_conformance(folder):
    """The conformance server of the Python SDK: both eras, sessions, resumption, server→client requests."""
    packages.require(packages.VENV_PYTHON, packages.PYTHON_CONFORMANCE)
    port = free_port()
    command = [packages.VENV_PYTHON, "-m", "mcp_everything_server.server", "--port", port, "--log-level", "ERROR"]
    return Service("python-conformance", command, port, folder, cwd=packages.PYTHON_CONFORMANCE)


def python_conformance_stdio(_folder):
    """The same server object over standard input and output."""
    packages.require(packages.PYTHON_CONFORMANCE)
    program = "from mcp_everything_server.server import mcp; mcp.run(transport='stdio')"
    args = [*QUIET, "-c", program]
    return Child("python-conformance-stdio", packages.VENV_PYTHON, args, packages.PYTHON_CONFORMANCE)


def python_conformance_sse(folder):
    """The same server object over HTTP+SSE of 2024-11-05."""
    packages.require(packages.VENV_PYTHON, packages.PYTHON_CONFORMANCE)
    port = free_port()
    program = f"from mcp_everything_server.server import mcp; mcp.run(transport='sse', port={port})"
    command = [packages.VENV_PYTHON, *QUIET, "-c", program]
    cwd = packages.PYTHON_CONFORMANCE
    return Service("python-conformance-sse", command, port, folder, cwd=cwd, endpoint="/sse", transport="sse")


def server_everything(folder):
    """The TypeScript reference server, which speaks the revisions up to 2025-11-25."""
    packages.require(packages.NODE_22, packages.SERVER_EVERYTHING)
    port = free_port()
    command = [packages.NODE_22, packages.SERVER_EVERYTHING, "streamableHttp"]
    return Service("server-everything", command, port, folder, env={"PORT": str(port)})


def server_everything_stdio(_folder):
    packages.require(packages.SERVER_EVERYTHING)
    return Child("server-everything-stdio", packages.NODE_22, [packages.SERVER_EVERYTHING, "stdio"])


def server_everything_sse(folder):
    packages.require(packages.NODE_22, packages.SERVER_EVERYTHING)
    port = free_port()
    command = [packages.NODE_22, packages.SERVER_EVERYTHING, "sse"]
    env = {"PORT": str(port)}
    return Service("server-everything-sse", command, port, folder, env=env, endpoint="/sse", transport="sse")


def server_filesystem(folder):
    """The TypeScript reference server for files, over standard input and output, in a folder of its own."""
    packages.require(packages.SERVER_FILESYSTEM)
    files = pathlib.Path(folder) / "files"
    files.mkdir(exist_ok=True)
    (files / "hello.txt").write_text("hello\n")
    return Child("server-filesystem", packages.NODE_22, [packages.SERVER_FILESYSTEM, files], cwd=files)


def rmcp(_folder):
    """A server made with the Rust SDK (`make rmcp-server`)."""
    return Child("rmcp", packages.RMCP_SERVER, [])


def fixture(era):
    """Our own server over standard input and output (`make fixture`); `era` is legacy, modern or both."""

    def make(_folder):
        return Child(f"fixture-{era}", packages.STDIO_FIXTURE, ["--era", era])

    return make


def recorder(folder):
    """Our own server, which remembers what reached it: see `recorder.py`."""
    packages.require(packages.VENV_PYTHON)
    port = free_port()
    return Service("recorder", [packages.VENV_PYTHON, RECORDER, port], port, folder)


def recorder_child(recorder):
    """The recorder over standard input and output, whose children report to the service `recorder`."""
    args = [*QUIET, RECORDER, "--report", f"{recorder.origin}/report"]
    return Child("recorder-stdio", packages.VENV_PYTHON, args)


def recorder_sse(folder, recorder):
    """The recorder over HTTP+SSE, which reports to the service `recorder`."""
    port = free_port()
    command = [packages.VENV_PYTHON, *QUIET, RECORDER, port, f"{recorder.origin}/report"]
    return Service("recorder-sse", command, port, folder, endpoint="/sse", transport="sse")


def sse_server(folder):
    """An HTTP+SSE server of 2024-11-05, made with the Python SDK 1.x: see `sse_server.py`."""
    packages.require(packages.VENV_1_PYTHON)
    port = free_port()
    command = [packages.VENV_1_PYTHON, *QUIET, SSE_SERVER, port]
    return Service("sse-server", command, port, folder, endpoint="/sse", transport="sse")
