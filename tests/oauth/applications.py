"""Registrations as applications that people use send them, and the redirect URIs that they come with then.

None of them runs here: these are their published habits, which the gateway has to live with.
"""

from dataclasses import dataclass

from checks import Checks
from client import Client, call, is_allowed, register

application = Checks()


@dataclass(frozen=True)
class Application:
    """What an application registers, and where it asks to be answered."""

    name: str
    registered: list
    redirects: list
    more: dict


APPLICATIONS = [
    Application(
        "Visual Studio Code",
        [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        # The last one when its usual port is taken.
        ["https://vscode.dev/redirect", "http://127.0.0.1:33418/", "http://127.0.0.1:59656/"],
        {
            "client_uri": "https://code.visualstudio.com",
            "grant_types": [
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "application_type": "native",
            "scope": "tools:read tools:write",
        },
    ),
    Application("Claude", ["https://claude.ai/api/mcp/auth_callback"], ["https://claude.ai/api/mcp/auth_callback"], {}),
    Application(
        "Claude Code (gateway)",
        ["http://localhost:54545/callback"],
        ["http://localhost:54545/callback", "http://localhost:61234/callback"],
        {"scope": "tools:read tools:write"},
    ),
    Application(
        "Cursor",
        ["http://localhost:8787/callback"],
        ["http://localhost:8787/callback"],
        {"application_type": "native"},
    ),
    Application(
        "Cursor (older)",
        ["cursor://anysphere.cursor-mcp/oauth/callback"],
        ["cursor://anysphere.cursor-mcp/oauth/callback"],
        {"client_uri": "https://cursor.com"},
    ),
    Application(
        "MCP CLI Proxy",
        ["http://localhost:3334/oauth/callback"],
        ["http://localhost:3334/oauth/callback", "http://localhost:17091/oauth/callback"],
        {"software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d", "software_version": "0.1.38"},
    ),
    Application(
        "MCP Inspector",
        ["http://localhost:6274/oauth/callback"],
        ["http://localhost:6274/oauth/callback"],
        {"client_uri": "https://github.com/modelcontextprotocol/inspector", "scope": ""},
    ),
    Application(
        "com.example.app",
        ["com.example.app:/oauth2redirect"],
        ["com.example.app:/oauth2redirect"],
        {"logo_uri": "https://app.example/logo.png", "contacts": ["dev@app.example"], "tos_uri": "https://app.example/t"},
    ),
]


@application
def what_applications_register_is_taken_and_their_logins_end_where_they_say(scene):
    for each in APPLICATIONS:
        status, client = register(scene, client_name=each.name, redirect_uris=each.registered, **each.more)
        assert status == 201, (each.name, client)
        assert client["redirect_uris"] == each.registered and client["token_endpoint_auth_method"] == "none", client
        for redirect in each.redirects:
            raw = Client(scene, client["client_id"], redirect=redirect)
            person = raw.person()
            ended = person.go(raw.url())
            assert isinstance(ended, str) and ended.startswith(redirect), (each.name, redirect, ended)
            told = raw.log_in(person)
            assert is_allowed(call(scene.url, told["access_token"])), each.name


@application
def a_registration_with_a_secret_gets_one_that_does_not_end(scene):
    for method in ("client_secret_basic", "client_secret_post"):
        status, client = register(scene, token_endpoint_auth_method=method)
        assert status == 201 and client["client_secret"], client
        assert client["client_secret_expires_at"] == 0 and client["token_endpoint_auth_method"] == method, client
        confidential = Client(scene, client["client_id"], client["client_secret"])
        if method == "client_secret_post":
            usual = confidential.token_request
            confidential.secret = None
            confidential.token_request = lambda **form: usual(client_secret=client["client_secret"], **form)
        told = confidential.log_in()
        assert is_allowed(call(scene.url, told["access_token"]))


@application
def a_client_that_is_gone_is_told_so_at_the_token_endpoint(scene):
    # Claude registers anew when it is told 401 `invalid_client`.
    status, told = Client(scene, "0123456789abcdef").redeem("mcpg_nothing")
    assert (status, told["error"]) == (401, "invalid_client"), told
