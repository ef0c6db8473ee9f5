"""Clients that log in at an authorization server of somebody else's: the gateway only says which (RFC 9728)."""

import contextlib
import json
import secrets

from person_service import PersonService
from scene import SCOPES, Provider, provider_client

from rig import gateway, processes, upstreams

# The properties that hold whoever issues the tokens.
ONLY = ("lists_and_calls [registered", "scopes_makes_the_client_ask_for_more [registered")


@contextlib.contextmanager
def plan(guard, folder):
    """The plan of the SDK runners; the authorization server is the provider itself."""
    folder.mkdir(exist_ok=True)
    port = processes.free_port()
    origin = f"http://127.0.0.1:{port}"
    urls = [f"{origin}/mcp/tools", f"{origin}/mcp/other"]
    registered = {"client_id": "desktop", "client_secret": secrets.token_urlsafe(32)}
    client = provider_client("desktop", "http://127.0.0.1:9/callback", registered["client_secret"])
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(Provider(folder, [client], urls, format="jwt"))
        recorder = stack.enter_context(upstreams.recorder(folder))
        person = stack.enter_context(PersonService([provider.origin]))
        configuration = gateway.Configuration(folder, port, public_url=origin, trusted_proxies=["127.0.0.1/32"]).without_rate_limit()
        for name in ("tools", "other"):
            configuration.server(name, **recorder.keys)
        configuration.section(
            "[[auth.jwt]]",
            mode="jwks",
            jwks_url=f"{provider.origin}/jwks",
            algorithms=["RS256"],
            issuer=provider.origin,
            audience=urls,
            require_at_jwt=True,
            scope_tool_mapping=SCOPES,
        )
        stack.enter_context(gateway.gateway(guard, configuration))
        told = {"asks": 0, "issuer": provider.origin, "origin": origin, "url": urls[0], "other_url": urls[1], "person": person.origin, "document": ""}
        yield json.dumps({**told, "registered": registered})
