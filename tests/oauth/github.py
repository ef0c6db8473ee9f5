"""A stand-in for GitHub with its habits: no OpenID Connect, 200 for errors, form-encoded answers unless JSON is asked for, ids that are
numbers, scopes in a header, an API that refuses callers without a User-Agent."""

import base64
import hashlib
import secrets
import urllib.parse

from local import Server

USERS = {
    "ada": {"id": 583231, "login": "ada", "name": "Ada", "orgs": {"corp": "active"}},
    # Was invited and has not accepted.
    "ben": {"id": 583232, "login": "ben", "name": "Ben", "orgs": {"corp": "pending"}},
    "eve": {"id": 583233, "login": "eve", "name": "Eve", "orgs": {}},
}
EMAILS = {
    "ada": [("ada@corp.example", True, True)],
    "ben": [("ben@corp.example", True, True)],
    # The second one is not verified.
    "eve": [("eve@elsewhere.example", True, True), ("eve@corp.example", False, False)],
}
PAGE = {"Content-Type": "text/html; charset=utf-8"}


class GitHub(Server):
    """Serves `github.com` and `api.github.com` at one origin."""

    def __init__(self):
        super().__init__(self._answer)
        self.client_id, self.secret = "Iv1.0123456789abcdef", secrets.token_hex(20)
        self.codes, self.tokens = {}, {}
        self.is_down = False

    @property
    def keys(self):
        """How `[auth.oauth]` names it."""
        return {
            "provider": "github",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "authorization_url": f"{self.origin}/login/oauth/authorize",
            "token_url": f"{self.origin}/login/oauth/access_token",
            "userinfo_url": f"{self.origin}/user",
        }

    def token(self, login, scopes, client_id=None):
        """A new token of `login`, issued to this application or to another."""
        token = "gho_" + secrets.token_urlsafe(27)[:36]
        self.tokens[token] = {"login": login, "scopes": scopes, "client_id": client_id or self.client_id}
        return token

    def _answer(self, request):
        if self.is_down:
            return 503, {}, "<h1>Unicorn!</h1>"
        if request.path == "/login/oauth/authorize":
            return self._authorize(request)
        if request.path == "/login/oauth/access_token":
            return self._redeem(request)
        if not request.headers.get("User-Agent"):
            return 403, {}, "Request forbidden by administrative rules."
        if request.path == f"/applications/{self.client_id}/token" and request.method == "POST":
            return self._check(request)
        return self._api(request)

    def _authorize(self, request):
        asked = request.query if request.method == "GET" else request.form
        if asked.get("client_id") != self.client_id:
            return 404, PAGE, "<h1>404</h1>"
        if request.method == "GET":
            hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in asked.items())
            form = f'<form method="post">{hidden}<input name="login"><button>Sign in</button></form>'
            return 200, PAGE, f"<!doctype html><title>GitHub</title>{form}"
        code = secrets.token_hex(10)
        self.codes[code] = asked
        answer = urllib.parse.urlencode({"code": code, "state": asked["state"]})
        return 302, {"Location": f"{asked['redirect_uri']}?{answer}"}, ""

    def _redeem(self, request):
        form = request.form
        asked = self.codes.pop(form.get("code"), None)
        right = (form.get("client_id"), form.get("client_secret")) == (self.client_id, self.secret)
        if not right:
            told = {"error": "incorrect_client_credentials"}
        elif asked is None or asked.get("code_challenge") != challenge_of(form.get("code_verifier", "")):
            told = {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        else:
            scopes = [scope for scope in asked.get("scope", "").replace(",", " ").split() if scope]
            token = self.token(asked["login"], scopes)
            told = {"access_token": token, "token_type": "bearer", "scope": ",".join(scopes)}
        if "json" in request.headers.get("Accept", ""):
            return 200, {}, told
        return 200, {"Content-Type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode(told)

    def _check(self, request):
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {basic}":
            return 401, {}, {"message": "Bad credentials"}
        token = request.json["access_token"]
        known = self.tokens.get(token)
        if known is None or known["client_id"] != self.client_id:
            return 404, {}, {"message": "Not Found"}
        user = {name: value for name, value in USERS[known["login"]].items() if name in ("id", "login")}
        app = {"client_id": self.client_id, "name": "mcp-guard", "url": self.origin}
        told = {"id": 1, "token": token, "scopes": known["scopes"], "app": app, "user": user, "expires_at": None}
        return 200, {}, told

    def _api(self, request):
        token = request.headers.get("Authorization", "").partition(" ")[2]
        known = self.tokens.get(token)
        if known is None:
            return 401, {}, {"message": "Bad credentials"}
        fields = {"X-OAuth-Scopes": ", ".join(known["scopes"]), "X-OAuth-Client-Id": known["client_id"]}
        user = USERS[known["login"]]
        if request.path == "/user":
            return 200, fields, {name: value for name, value in user.items() if name != "orgs"} | {"email": None}
        if request.path == "/user/emails":
            if not {"user", "user:email"} & set(known["scopes"]):
                return 404, fields, {"message": "Not Found"}
            return 200, fields, [dict(zip(("email", "verified", "primary"), each)) for each in EMAILS[known["login"]]]
        if request.path.startswith("/user/memberships/orgs/"):
            organization = request.path.rpartition("/")[2]
            state = user["orgs"].get(organization)
            if "read:org" not in known["scopes"]:
                return 403, fields, {"message": "You need at least read:org scope to list your organizations."}
            if state is None:
                return 404, fields, {"message": "Not Found"}
            return 200, fields, {"state": state, "role": "member", "organization": {"login": organization}}
        return 404, fields, {"message": "Not Found"}


def challenge_of(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
