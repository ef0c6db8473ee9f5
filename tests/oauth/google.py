"""A stand-in for Google with its habits: numbers as text in tokeninfo, `email_verified` as text there, scopes as URLs, a refresh token
only where `access_type=offline` was asked for, two spellings of its issuer."""

import base64
import json
import secrets
import time
import urllib.parse

from github import challenge_of
from local import Server

USERS = {
    "ada": {"sub": "110169484474386276334", "email": "ada@corp.example", "email_verified": True, "hd": "corp.example"},
    "eve": {"sub": "110169484474386276335", "email": "eve@gmail.example", "email_verified": True},
    # An address of the company's that Google has not verified.
    "mallory": {"sub": "110169484474386276336", "email": "mallory@corp.example", "email_verified": False},
}
LONG_NAMES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
LIFETIME_S = 3599
PAGE = {"Content-Type": "text/html; charset=utf-8"}


def unsigned(claims):
    """An ID token as it comes from the token endpoint; nobody looks at its signature there."""
    parts = ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class Google(Server):
    """Serves every endpoint at one origin."""

    def __init__(self):
        super().__init__(self._answer)
        self.client_id, self.secret = "1234.apps.googleusercontent.com", "GOCSPX-" + secrets.token_hex(14)
        self.codes, self.tokens, self.lies = {}, {}, {}

    @property
    def keys(self):
        """How `[auth.oauth]` names it."""
        return {
            "provider": "google",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "issuer": self.origin,
            "authorization_url": f"{self.origin}/o/oauth2/v2/auth",
            "token_url": f"{self.origin}/token",
            "userinfo_url": f"{self.origin}/v1/userinfo",
            "introspection_url": f"{self.origin}/tokeninfo",
        }

    def token(self, login, scopes=("openid", "email"), client_id=None, expires_in=LIFETIME_S):
        token = "ya29." + secrets.token_urlsafe(40)
        long_names = [LONG_NAMES.get(scope, scope) for scope in scopes]
        self.tokens[token] = {
            "login": login,
            "scope": " ".join(long_names),
            "client_id": client_id or self.client_id,
            "ends": int(time.time()) + expires_in,
        }
        return token

    def _answer(self, request):
        if request.path == "/o/oauth2/v2/auth":
            return self._authorize(request)
        if request.path == "/token":
            return self._redeem(request)
        if request.path == "/tokeninfo":
            return self._tokeninfo(request)
        if request.path == "/v1/userinfo":
            known = self.tokens.get(request.headers.get("Authorization", "").partition(" ")[2])
            return (200, {}, USERS[known["login"]]) if known else (401, {}, {"error": "invalid_request"})
        return 404, {}, {}

    def _authorize(self, request):
        asked = request.query if request.method == "GET" else request.form
        if request.method == "GET":
            hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in asked.items())
            form = f'<form method="post">{hidden}<input name="login"><button>Sign in</button></form>'
            return 200, PAGE, f"<!doctype html><title>Google</title>{form}"
        code = "4/" + secrets.token_urlsafe(20)
        self.codes[code] = asked
        answer = {"state": asked["state"], "code": code, "scope": asked["scope"], "authuser": "0", "prompt": "none"}
        return 302, {"Location": f"{asked['redirect_uri']}?{urllib.parse.urlencode(answer)}"}, ""

    def _redeem(self, request):
        form = request.form
        asked = self.codes.pop(form.get("code"), None)
        credentials = (form.get("client_id"), form.get("client_secret"))
        if "Authorization" in request.headers:
            encoded = request.headers["Authorization"].partition(" ")[2]
            credentials = tuple(map(urllib.parse.unquote, base64.b64decode(encoded).decode().split(":", 1)))
        if credentials != (self.client_id, self.secret):
            return 401, {}, {"error": "invalid_client", "error_description": "Unauthorized"}
        challenged = asked and asked.get("code_challenge") == challenge_of(form.get("code_verifier", ""))
        if not challenged or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {}, {"error": "invalid_grant", "error_description": "Bad Request"}
        now, token = int(time.time()), self.token(asked["login"], asked["scope"].split())
        claims = {"iss": self.origin, "aud": self.client_id, "azp": self.client_id, "iat": now, "exp": now + LIFETIME_S}
        claims |= USERS[asked["login"]] | ({"nonce": asked["nonce"]} if "nonce" in asked else {}) | self.lies
        told = {"access_token": token, "expires_in": LIFETIME_S, "scope": self.tokens[token]["scope"]}
        return 200, {}, {**told, "token_type": "Bearer", "id_token": unsigned(claims)}

    def _tokeninfo(self, request):
        # Google's own libraries send it in a header; the parameter is what is documented.
        bearer = request.headers.get("Authorization", "").partition(" ")[2]
        known = self.tokens.get(bearer or request.query.get("access_token"))
        if known is None or known["ends"] <= time.time():
            return 400, {}, {"error": "invalid_token", "error_description": "Invalid Value"}
        user = USERS[known["login"]]
        return 200, {}, {
            "azp": known["client_id"],
            "aud": known["client_id"],
            "sub": user["sub"],
            "scope": known["scope"],
            "exp": str(known["ends"]),
            "expires_in": str(known["ends"] - int(time.time())),
            "email": user["email"],
            "email_verified": "true" if user["email_verified"] else "false",
            "access_type": "online",
        }
