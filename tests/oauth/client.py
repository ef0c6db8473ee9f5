"""An OAuth client written by hand, which can do everything wrong."""

import base64
import json
import secrets
import urllib.parse

from github import challenge_of
from python_raw_oauth import post_form, send
from user import Person

REDIRECT = "http://127.0.0.1:9/callback"
REVISION = "2026-07-28"


def answer_of(url):
    """The parameters of the URL that a login ended with."""
    assert isinstance(url, str), f"the login ended with a page: {url}"
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Client:
    """One client at the gateway of `scene`; with a secret or without."""

    def __init__(self, scene, client_id=None, secret=None, redirect=REDIRECT):
        self.scene = scene
        self.client_id = client_id or scene.registered["client_id"]
        self.secret = scene.registered["client_secret"] if client_id is None else secret
        self.redirect = redirect
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(16)

    def parameters(self, **changed):
        """Those of an authorization request; one that is None is left out."""
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "scope": "tools:read tools:write",
            "resource": self.scene.url,
        }
        return {name: value for name, value in {**usual, **changed}.items() if value is not None}

    def url(self, **changed):
        return f"{self.scene.origin}/oauth/authorize?{urllib.parse.urlencode(self.parameters(**changed))}"

    def person(self, account="ada", decision="allow"):
        return Person(self.scene.origins, account, decision)

    def code(self, person=None, **changed):
        """Logs in and returns the code."""
        answer = answer_of((person or self.person()).go(self.url(**changed)))
        assert answer.get("state") == self.state and "code" in answer, answer
        return answer["code"]

    def _authentication(self):
        if self.secret is None:
            return {"client_id": self.client_id}, {}
        pair = f"{urllib.parse.quote(self.client_id, safe='')}:{urllib.parse.quote(self.secret, safe='')}"
        return {}, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def token_request(self, **form):
        """Status and JSON of the token endpoint's answer."""
        own, headers = self._authentication()
        status, _, text = post_form(f"{self.scene.origin}/oauth/token", {**own, **form}, headers)
        return status, json.loads(text)

    def redeem(self, code, **changed):
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "code_verifier": self.verifier,
            "resource": self.scene.url,
        }
        return self.token_request(**{name: value for name, value in {**usual, **changed}.items() if value is not None})

    def refresh(self, token, **more):
        return self.token_request(grant_type="refresh_token", refresh_token=token, **more)

    def revoke(self, token):
        own, headers = self._authentication()
        return post_form(f"{self.scene.origin}/oauth/revoke", {**own, "token": token}, headers)[0]

    def log_in(self, person=None, **changed):
        """The token response of a whole login."""
        resource = {"resource": changed["resource"]} if "resource" in changed else {}
        status, told = self.redeem(self.code(person, **changed), **resource)
        assert status == 200, told
        return told


def register(scene, **changed):
    """Registers a public client; status and JSON of the answer."""
    usual = {
        "client_name": "Raw client",
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    body = json.dumps({**usual, **changed})
    status, _, text = send("POST", f"{scene.origin}/oauth/register", body, {"Content-Type": "application/json"})
    return status, json.loads(text or "null")


def call(url, token, tool="echo"):
    """Status, headers and text of the answer to a call of `tool`."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": {"text": "hello"}, "_meta": meta}
    headers = {
        **({"Authorization": f"Bearer {token}"} if token else {}),
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": REVISION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    return send("POST", url, json.dumps(message), headers)


def is_allowed(answer):
    status, _, text = answer
    return status == 200 and '"result"' in text
