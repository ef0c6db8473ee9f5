"""Everything that a login needs: provider, gateway, servers behind it, documents of clients, and a person."""

import contextlib
import json
import secrets
import urllib.request

from documents import Documents, authority
from person_service import PersonService

from rig import gateway, packages, processes, upstreams

HERE = packages.ROOT / "tests" / "oauth"
# What clients may be granted; the provider grants the second one only to some (`people.mjs`).
SCOPES = {"tools:read": ["echo", "echo_number"], "tools:write": ["secret", "slow"]}
IDENTITY = ["openid", "profile", "email"]
CALLBACK = "/oauth/callback"
CONTROL_DEADLINE_S = 10.0


class Provider(processes.Service):
    """The OpenID provider of `provider.mjs`."""

    def __init__(self, folder, clients, resources=(), **more):
        packages.require(packages.NODE_22, packages.OIDC_PROVIDER)
        port = processes.free_port()
        settings = {"clients": clients, "scopes": list(SCOPES), "resources": list(resources), **more}
        command = [packages.NODE_22, HERE / "provider.mjs", port, json.dumps(settings)]
        super().__init__("provider", command, port, folder, endpoint="")

    def seen(self, path):
        """How often `path` was asked for."""
        with urllib.request.urlopen(f"{self.origin}/seen", timeout=CONTROL_DEADLINE_S) as answer:
            return json.load(answer).get(path, 0)

    def control(self, **settings):
        request = urllib.request.Request(f"{self.origin}/control", json.dumps(settings).encode())
        urllib.request.urlopen(request, timeout=CONTROL_DEADLINE_S).close()


def provider_client(client_id, redirect_uri, secret=None):
    """A client of the provider's, as oidc-provider takes it."""
    return {
        "client_id": client_id,
        "redirect_uris": [redirect_uri],
        "application_type": "web" if redirect_uri.startswith("https:") else "native",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        **({"client_secret": secret} if secret else {"token_endpoint_auth_method": "none"}),
    }


class Scene:
    """Runs while the `with` block does.

    `oauth`, `server` and `listener` are further keys of `[auth.oauth]`, of its server and of `[server]`; None takes a usual one
    away. `another` is a provider in place of the usual one, as `github.py` has it. With `tls` the gateway speaks it.
    """

    def __init__(self, guard, folder, oauth=None, server=None, listener=None, identities=(), another=None, tls=False):
        self.guard, self.folder, self.another = guard, folder, another
        self.folder.mkdir(exist_ok=True)
        self.port = processes.free_port()
        self.origin = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/mcp/tools"
        self.other_url = f"{self.origin}/mcp/other"
        self.secret = secrets.token_urlsafe(32)
        self.registered = {"client_id": "desktop", "client_secret": secrets.token_urlsafe(32)}
        self.ca, leaf, key = authority(folder)
        self.certificate = {"cert_path": str(leaf), "key_path": str(key)} if tls else None
        self.documents = Documents(leaf, key)
        clients = [provider_client("gateway", self.origin + CALLBACK, self.secret), provider_client("elsewhere", "http://127.0.0.1:9/elsewhere")]
        self.provider = Provider(folder, clients, [self.url, self.other_url])
        self.recorder = upstreams.recorder(folder)
        # What a person opens; whatever is elsewhere belongs to a client.
        self.origins = [self.origin, self.provider.origin, *([another.origin] if another else [])]
        self.person = PersonService(self.origins)
        self.configuration = self._configuration(oauth or {}, server, listener or {}, identities)
        self.service = gateway.gateway(guard, self.configuration)
        self._stack = contextlib.ExitStack()

    def _configuration(self, oauth, server, listener, identities):
        # Everybody who asks has an address of their own: see `addresses.py`.
        usual = {"public_url": self.origin, "trusted_proxies": ["127.0.0.1/32"]}
        configuration = gateway.Configuration(self.folder, self.port, **{**usual, **listener})
        configuration.without_rate_limit()
        if self.certificate:
            configuration.section("[server.tls]", **self.certificate)
        for name in ("tools", "other"):
            configuration.server(name, **self.recorder.keys)
        login = {
            "provider": "custom",
            "issuer": self.provider.origin,
            "client_id": "gateway",
            "client_secret": self.secret,
            "scopes": [*IDENTITY, *SCOPES],
            "scope_tool_mapping": SCOPES,
            "store_path": str(self.folder / "oauth.redb"),
        }
        if self.another:
            login |= {"issuer": None, **self.another.keys}
        given = {name: value for name, value in {**login, **oauth}.items() if value is not None}
        configuration.section("[auth.oauth]", **given)
        for identity in identities:
            configuration.section("[[auth.oauth.identities]]", **identity)
        if server is not None:
            trust = {"trusted_client_hosts": ["localhost"], "client_ca_path": str(self.ca)}
            configuration.section("[auth.oauth.server]", enabled=True, **{**trust, **server})
            configuration.section(
                "[[auth.oauth.server.clients]]",
                **self.registered,
                name="Desktop",
                redirect_uris=["http://127.0.0.1/callback"],
            )
        return configuration

    def __enter__(self):
        another = [self.another] if self.another else []
        for part in (*another, self.documents, self.person, self.provider, self.recorder, self.service):
            self._stack.enter_context(part)
        return self

    def __exit__(self, *_):
        self._stack.close()

    @property
    def plan(self):
        """What the runners of the SDKs are told."""
        return json.dumps(
            {
                # Questions that the gateway's own pages ask at least, the first time.
                "asks": 1,
                "issuer": self.origin,
                "origin": self.origin,
                "url": self.url,
                "other_url": self.other_url,
                "person": self.person.origin,
                "document": self.documents.good,
                "registered": self.registered,
            }
        )

    def audit(self):
        """The records of the audit log."""
        lines = (self.folder / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]
