"""Tokens that only their issuer can read (RFC 7662), brought by clients that got them at the provider."""

import base64
import concurrent.futures
import json
import secrets
import time
import urllib.parse

from checks import Checks
from client import answer_of, call, is_allowed
from github import challenge_of
from python_raw_oauth import post_form
from scene import CALLBACK, IDENTITY, SCOPES
from user import Person

opaque = Checks()
CACHE_TTL_S = 2
# What a scene of these needs beside the usual.
KEYS = {"token_cache_ttl_secs": CACHE_TTL_S}
DEADLINE_S = 10.0
CALLERS = 16
ASKED = "/token/introspection"


def token_of(scene, account="ada", client_id="gateway", resource=None, scopes=(*IDENTITY, *SCOPES)):
    """A token that the provider issued to one of its clients."""
    redirect = scene.origin + CALLBACK if client_id == "gateway" else "http://127.0.0.1:9/elsewhere"
    verifier = secrets.token_urlsafe(48)
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect,
        "scope": " ".join(scopes),
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        **({"resource": resource} if resource else {}),
    }
    person = Person([scene.provider.origin], account)
    code = answer_of(person.go(f"{scene.provider.origin}/auth?{urllib.parse.urlencode(asked)}"))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
    headers = authentication(scene) if client_id == "gateway" else {}
    form |= {} if headers else {"client_id": client_id}
    form |= {"resource": resource} if resource else {}
    status, _, text = post_form(f"{scene.provider.origin}/token", form, headers)
    assert status == 200, text
    return json.loads(text)["access_token"]


def authentication(scene):
    return {"Authorization": "Basic " + base64.b64encode(f"gateway:{scene.secret}".encode()).decode()}


def becomes(scene, token, status, url=None):
    """Waits until a call with `token` is answered so."""
    deadline = time.monotonic() + DEADLINE_S
    while (seen := call(url or scene.url, token)[0]) != status:
        assert time.monotonic() < deadline, f"still {seen}, not {status}"
        time.sleep(0.05)


@opaque
def a_token_of_the_gateway_s_own_client_may_what_its_scopes_allow(scene):
    ada, ben = token_of(scene), token_of(scene, "ben")
    assert is_allowed(call(scene.url, ada)) and is_allowed(call(scene.url, ada, "secret"))
    assert is_allowed(call(scene.url, ben)) and not is_allowed(call(scene.url, ben, "secret"))
    assert is_allowed(call(scene.other_url, ada)), "a token of our own client is for every server"


@opaque
def a_token_for_one_resource_is_good_there_alone(scene):
    token = token_of(scene, client_id="elsewhere", resource=scene.url, scopes=SCOPES)
    assert is_allowed(call(scene.url, token))
    assert call(scene.other_url, token)[0] == 401
    assert is_allowed(call(scene.url, token))


@opaque
def a_token_of_another_client_is_refused(scene):
    token = token_of(scene, client_id="elsewhere", scopes=["openid"])
    status, headers, _ = call(scene.url, token)
    assert status == 401 and "invalid_token" in headers["WWW-Authenticate"], (status, headers)


@opaque
def an_answer_is_kept_for_its_time(scene):
    token, before = token_of(scene), scene.provider.seen(ASKED)
    for _ in range(CALLERS):
        assert is_allowed(call(scene.url, token))
    asked = scene.provider.seen(ASKED) - before
    assert 1 <= asked <= 2, f"{asked} questions for {CALLERS} calls"


@opaque
def a_token_that_nobody_issued_is_asked_about_once(scene):
    token, before = secrets.token_urlsafe(32), scene.provider.seen(ASKED)
    for _ in range(CALLERS):
        assert call(scene.url, token)[0] == 401
    assert scene.provider.seen(ASKED) - before == 1


@opaque
def callers_at_once_make_one_question(scene):
    token, before = token_of(scene), scene.provider.seen(ASKED)
    scene.provider.control(delay_ms=400)
    try:
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            answers = list(pool.map(lambda _: call(scene.url, token), range(CALLERS)))
    finally:
        scene.provider.control(delay_ms=0)
    assert all(map(is_allowed, answers)), [each[0] for each in answers]
    assert scene.provider.seen(ASKED) - before == 1


@opaque
def a_revoked_token_is_refused_when_its_answer_is_old(scene):
    token = token_of(scene)
    assert is_allowed(call(scene.url, token))
    status, _, _ = post_form(f"{scene.provider.origin}/token/revocation", {"token": token}, authentication(scene))
    assert status == 200
    becomes(scene, token, 401)


@opaque
def keys_and_signed_tokens_are_never_sent_to_the_provider(scene):
    before = scene.provider.seen(ASKED)
    for token in ("mcp_" + "A" * 43, "mcpg_" + "A" * 43, "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "..", "mcp_short"):
        assert call(scene.url, token)[0] == 401, token
    assert scene.provider.seen(ASKED) == before


@opaque
def a_provider_that_is_down_is_no_refusal(scene):
    known, unknown = token_of(scene), token_of(scene)
    assert is_allowed(call(scene.url, known))
    scene.provider.control(down=True)
    try:
        status, headers, _ = call(scene.url, unknown)
        assert status == 503 and headers["Retry-After"], (status, dict(headers))
    finally:
        scene.provider.control(down=False)
    becomes(scene, unknown, 200)


@opaque
def no_token_is_in_a_log(scene):
    token = token_of(scene)
    assert is_allowed(call(scene.url, token))
    assert token not in scene.service.log_path.read_text()
    assert token not in (scene.folder / "audit.jsonl").read_text()
