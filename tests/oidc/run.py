#!/usr/bin/env python3
"""Calls tools through the gateway with tokens of a real OpenID provider, which changes its keys meanwhile.

    run.py --guard target/debug/mcp-guard [--requests 150]

Provider, server and gateway are started here. Exit codes: 0 all holds, 1 something does not, 2 a part is missing.
"""

import argparse
import base64
import contextlib
import http.client
import json
import pathlib
import sys
import threading
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rig import gateway, packages, processes, upstreams  # noqa: E402

RESOURCE = "https://gateway.test/mcp"
SCOPES = {"tools:read": ["echo", "echo_number"], "tools:write": ["secret"]}
DEADLINE_S = 20.0
# Clients under load, keys that come up meanwhile, and requests that each key answers.
CLIENTS = 4
ROTATIONS = 3
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "oidc", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def provider(folder):
    """The OpenID provider: see `provider.mjs`."""
    packages.require(packages.NODE_22, packages.OIDC_PROVIDER)
    port = processes.free_port()
    command = [packages.NODE_22, HERE / "provider.mjs", port, RESOURCE, " ".join(SCOPES)]
    return processes.Service("oidc-provider", command, port, folder, endpoint="/jwks")


def fetch(url, **form):
    """The JSON at `url`, or the answer to `form`; of the client `tools` where it is the token endpoint's."""
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode() if form else None)
    basic = base64.b64encode(b"tools:tools-secret").decode()
    request.add_header("Authorization", f"Basic {basic}")
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        return json.loads(answer.read() or "null")


class Scene:
    """Everything that runs."""

    def __init__(self, issuer, service, recorder):
        self.issuer = issuer
        self.service = service
        self.recorder = recorder

    def token(self, scope="tools:read"):
        form = {"grant_type": "client_credentials", "scope": scope, "resource": RESOURCE}
        return fetch(f"{self.issuer.origin}/token", **form)["access_token"]

    def rotate(self, retire=False):
        request = f"{self.issuer.origin}/rotate{'?retire' if retire else ''}"
        urllib.request.urlopen(urllib.request.Request(request, method="POST"), timeout=DEADLINE_S).close()

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=DEADLINE_S)

    def call(self, token, tool="echo", connection=None):
        """Status, head and text of the answer to a call of `tool`."""
        params = {"name": tool, "arguments": {"text": "hello"}, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
        }
        connection = connection or self.connection()
        connection.request("POST", "/mcp", json.dumps(message), headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def expect(what, condition, told=None):
    """Says whether it holds; what does not ends the run."""
    print(f"{'ok    ' if condition else 'FAILED'} {what}", flush=True)
    if not condition:
        raise AssertionError(f"{what}: {told}")


def parameter(challenge, name):
    _, _, rest = challenge.partition(f'{name}="')
    return rest.partition('"')[0]


def tokens_are_taken(scene):
    token = scene.token()
    status, _, text = scene.call(token)
    expect("a token of the provider calls a tool", status == 200 and "hello" in text and '"result"' in text, text)
    seen = fetch(f"{scene.recorder.origin}/seen")["requests"]
    leaked = [each for each in seen if token in json.dumps(each)]
    expect("the token goes no further than the gateway", seen and not leaked, leaked)
    head, claims, signature = token.split(".")
    padded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    padded["sub"] = "admin"
    forged = base64.urlsafe_b64encode(json.dumps(padded).encode()).rstrip(b"=").decode()
    status, headers, text = scene.call(f"{head}.{forged}.{signature}")
    expect("a token with other claims is refused", status == 401, text)
    challenge = headers["WWW-Authenticate"]
    expect("the challenge says where to go", "/.well-known/oauth-protected-resource/mcp" in challenge, challenge)


def scopes_step_up(scene):
    status, headers, text = scene.call(scene.token(), "secret")
    expect("a call beyond the scopes gets 403", status == 403 and "40301" in text, text)
    challenge = headers["WWW-Authenticate"]
    needed = parameter(challenge, "scope")
    expect("which says the scopes to ask for", set(needed.split()) == set(SCOPES), challenge)
    status, _, text = scene.call(scene.token(needed), "secret")
    expect("and with them the call goes through", status == 200 and "secret hello" in text, text)


def keys_rotate_under_load(scene, requests):
    answered, failures = [0] * CLIENTS, []
    is_over = threading.Event()

    def load(number):
        connection = scene.connection()
        while not is_over.is_set():
            status, _, text = scene.call(scene.token(), connection=connection)
            if status != 200 or '"result"' not in text:
                failures.append((status, text))
            answered[number] += 1

    def guarded(number):
        try:
            load(number)
        except Exception as error:  # Whatever ends a client is a failure of the run.
            failures.append(repr(error))

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for rotation in range(ROTATIONS + 1):
        target, deadline = sum(answered) + requests, time.monotonic() + DEADLINE_S
        while sum(answered) < target and not failures and time.monotonic() < deadline:
            time.sleep(0.01)
        if sum(answered) < target:
            break
        if rotation < ROTATIONS:
            scene.rotate()
    is_over.set()
    for thread in threads:
        thread.join(DEADLINE_S)
    total = sum(answered)
    expect(f"{ROTATIONS} rotations under load, {total} requests: none failed", not failures, failures[:3])
    expect("each key had its share", total >= requests * (ROTATIONS + 1), answered)
    keys = fetch(f"{scene.issuer.origin}/keys")
    expect("no key set was fetched more often than needed", keys["fetches"] <= 2 * (ROTATIONS + 1), keys)


def retired_keys_are_forgotten(scene):
    old = scene.token()
    expect("a token before its key is retired", scene.call(old)[0] == 200)
    scene.rotate(retire=True)
    deadline = time.monotonic() + DEADLINE_S
    # A rotation so soon after others may have to wait for the gateway's leave to fetch again.
    while (status := scene.call(scene.token())[0]) != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    expect("the new key is taken", status == 200, status)
    while (statuses := {scene.call(old)[0] for _ in range(8)}) != {401} and time.monotonic() < deadline:
        time.sleep(0.05)
    expect("and tokens of the retired one are refused", statuses == {401}, statuses)


def configure(folder, issuer, recorder):
    configuration = gateway.Configuration(folder, public_url="https://gateway.test", allowed_hosts=["127.0.0.1"])
    configuration.without_rate_limit().upstream(**recorder.keys)
    return configuration.section(
        "[[auth.jwt]]",
        mode="jwks",
        jwks_url=issuer.url,
        algorithms=["ES256", "RS256", "PS256"],
        issuer=issuer.origin,
        audience=RESOURCE,
        require_at_jwt=True,
        scope_tool_mapping=SCOPES,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", required=True)
    parser.add_argument("--requests", type=int, default=150, help="requests between two rotations")
    options = parser.parse_args()
    folder = processes.scratch_folder("oidc")
    try:
        with contextlib.ExitStack() as stack:
            issuer = stack.enter_context(provider(folder))
            recorder = stack.enter_context(upstreams.recorder(folder))
            service = stack.enter_context(gateway.gateway(options.guard, configure(folder, issuer, recorder)))
            scene = Scene(issuer, service, recorder)
            tokens_are_taken(scene)
            scopes_step_up(scene)
            keys_rotate_under_load(scene, options.requests)
            retired_keys_are_forgotten(scene)
    except (packages.Missing, processes.StartFailure) as failure:
        print(f"oidc: {failure}", file=sys.stderr)
        return 2
    except (AssertionError, OSError) as failure:
        print(f"oidc: {failure}")
        return processes.settle(folder, 1)
    return processes.settle(folder, 0)


if __name__ == "__main__":
    sys.exit(main())
