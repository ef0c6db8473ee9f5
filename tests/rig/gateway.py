"""The gateway under test, started with a configuration made for the test."""

import base64
import hashlib
import json
import os
import pathlib
import secrets

from .processes import Service, free_port


def new_key():
    """A fresh API key and the hash that the configuration holds."""
    key = "mcp_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    return key, key_hash(key)


def key_hash(key):
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()


def toml(section, **values):
    lines = [f"{name} = {toml_value(value)}" for name, value in values.items()]
    return "\n".join([section, *lines, ""])


def toml_value(value):
    """Strings, numbers, booleans and lists of strings are written alike in JSON and in TOML; a table is not."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml_value(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)


class Configuration:
    """Text of a configuration file, built up section by section."""

    def __init__(self, folder, port=None, **server):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self._sections = [
            toml("[server]", host="127.0.0.1", port=self.port, workers=2, **server),
            toml("[server.admin]", port=0),
            toml("[audit]", file=str(self.folder / "audit.jsonl")),
        ]

    def section(self, header, **values):
        self._sections.append(toml(header, **values))
        return self

    def anonymous(self, tools=("*",)):
        return self.section("[auth.anonymous]", allowed_tools=list(tools))

    def api_key(self, identity, tools, denied=(), **more):
        """Adds an identity and returns its key."""
        key, digest = new_key()
        self.section(
            "[[auth.api_keys]]",
            id=identity,
            key_hash=digest,
            allowed_tools=list(tools),
            denied_tools=list(denied),
            **more,
        )
        return key

    def without_rate_limit(self):
        return self.section("[rate_limit]", enabled=False)

    def upstream(self, **keys):
        """The only server; `keys` as `Service.keys` and `Child.keys` give them."""
        return self.section("[upstream]", **keys)

    def server(self, name, **keys):
        """One server of several."""
        return self.section("[[upstream.servers]]", name=name, **keys)

    def text(self):
        return "\n".join(self._sections)

    def write(self):
        path = self.folder / "mcp-guard.toml"
        path.write_text(self.text())
        os.chmod(path, 0o600)
        return path


def gateway(binary, configuration, name="mcp-guard"):
    """The gateway `binary`, run with `configuration`."""
    path = configuration.write()
    command = [pathlib.Path(binary).resolve(), "--config", path, "run"]
    return Service(name, command, configuration.port, configuration.folder, env={"MCP_GUARD_LOG": "info"})
