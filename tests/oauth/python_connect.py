"""One shape for the Python SDK's two major versions: a client that logs in when it is asked to."""

import contextlib
import importlib.metadata
import time
import urllib.parse
import uuid

from addresses import HEADER, new_address
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

VERSION = importlib.metadata.version("mcp")
IS_2 = VERSION.startswith("2.")
ERAS = ("legacy", "2026-07-28") if IS_2 else ("legacy",)
REDIRECT = "http://127.0.0.1:9/callback"
HIDDEN = "/.well-known/oauth-protected-resource"

if IS_2:
    import httpx2 as httpx
    from mcp import Client
    from mcp.client.auth import AuthorizationCodeResult
    from mcp.client.streamable_http import streamable_http_client
else:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client


class Storage:
    """What a client keeps between two runs."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Access:
    """How a client is known, what it keeps, and the person who logs in for it."""

    def __init__(self, plan, way, account="ada", decision="allow", asks_only=None, hides_resource_metadata=False):
        self.plan, self.way, self.account, self.decision = plan, way, account, decision
        self.asks_only, self.hides_resource_metadata = asks_only, hides_resource_metadata
        self.storage = Storage()
        self.visits = []
        # Not `id`: the next person may be where one was that is gone.
        self.browser = str(uuid.uuid4())
        self.provider = None
        if way == "registered":
            known = plan["registered"]
            self.storage.client = OAuthClientInformationFull(
                client_id=known["client_id"],
                client_secret=known["client_secret"],
                token_endpoint_auth_method="client_secret_basic",
                redirect_uris=[REDIRECT],
            )

    def new_provider(self, url):
        metadata = OAuthClientMetadata(
            client_name=f"Python SDK {VERSION}",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method="none",
        )
        document = {"client_metadata_url": self.plan["document"]} if self.way == "document" else {}
        self.provider = OAuthClientProvider(
            server_url=url,
            client_metadata=metadata,
            storage=self.storage,
            redirect_handler=self.visit,
            callback_handler=self.result,
            **document,
        )
        return self.provider

    async def visit(self, url):
        """Sends the person to `url`; they come back with an answer, or not at all."""
        if self.asks_only is not None:
            parts = urllib.parse.urlsplit(url)
            query = dict(urllib.parse.parse_qsl(parts.query)) | {"scope": self.asks_only}
            url = urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
        told = {"url": url, "account": self.account, "decision": self.decision, "browser": self.browser}
        async with httpx.AsyncClient(timeout=30) as http:
            answer = (await http.post(f"{self.plan['person']}/visit", json=told)).json()
        self.visits.append({**answer, "url": url})
        assert answer["ended"], answer

    async def result(self):
        answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.visits[-1]["ended"]).query))
        if not IS_2:
            return answer.get("code", ""), answer.get("state")
        return AuthorizationCodeResult(code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss"))

    def expire(self):
        """Makes the SDK believe that its access token has expired."""
        self.provider.context.token_expiry_time = time.time() - 1


def register_again(access):
    """The client forgets its tokens, and that it was registered."""
    access.storage.client = None
    access.storage.tokens = None


class Transport(httpx.AsyncBaseTransport):
    """Requests of one client, from an address of its own. A client of 2025-03-26 sees no document of the resource, and no word of
    it in a challenge."""

    def __init__(self, hides_resource_metadata):
        self._inner = httpx.AsyncHTTPTransport()
        self._hides = hides_resource_metadata
        self._address = new_address()

    async def handle_async_request(self, request):
        if self._hides and request.url.path.startswith(HIDDEN):
            return httpx.Response(404, request=request)
        request.headers[HEADER] = self._address
        answer = await self._inner.handle_async_request(request)
        if self._hides and "www-authenticate" in answer.headers:
            del answer.headers["www-authenticate"]
        return answer


@contextlib.asynccontextmanager
async def connect(access, url, era):
    """A connected client that logs in as `access` says."""
    provider = access.new_provider(url)
    transport = {"transport": Transport(access.hides_resource_metadata)}
    if IS_2:
        async with httpx.AsyncClient(auth=provider, timeout=httpx.Timeout(20, read=60), **transport) as http:
            async with Client(streamable_http_client(url, http_client=http), mode=era, read_timeout_seconds=20) as client:
                yield client
        return

    def factory(headers=None, timeout=None, auth=None):
        return httpx.AsyncClient(headers=headers, timeout=timeout or 20, auth=auth, **transport)

    async with streamablehttp_client(url, auth=provider, httpx_client_factory=factory) as (reading, writing, _):
        async with ClientSession(reading, writing) as session:
            await session.initialize()
            yield session


__all__ = ["ERAS", "IS_2", "VERSION", "Access", "connect", "register_again"]
