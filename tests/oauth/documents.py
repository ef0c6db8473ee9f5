"""Metadata documents of clients, served over TLS at `localhost` under an authority of the test's own."""

import subprocess
import time

from local import Server

NAME = "Documented Client"
REDIRECT = "http://127.0.0.1/callback"


def authority(folder):
    """A certificate authority and a certificate of it for localhost: paths of the CA, the chain and the key."""
    ca, ca_key, leaf, key, request, extensions = (
        folder / name for name in ("ca.pem", "ca.key", "leaf.pem", "leaf.key", "leaf.csr", "leaf.ext")
    )
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    for command in (
        ["req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=test authority"],
        ["req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", leaf, "-days", "2"]
        + ["-extfile", extensions],
    ):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    key.chmod(0o600)
    return ca, leaf, key


def metadata(url, **more):
    return {
        "client_id": url,
        "client_name": NAME,
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        **more,
    }


class Documents(Server):
    """`/client.json` is a good document; each other path has a defect that its name tells."""

    def __init__(self, leaf, key):
        super().__init__(self._answer, tls=(leaf, key), host="localhost")

    @property
    def good(self):
        return f"{self.origin}/client.json"

    def _answer(self, request):
        url = f"{self.origin}{request.path}"
        plain = {"Content-Type": "application/json"}
        if request.path == "/another-id.json":
            return 200, plain, metadata(self.good)
        if request.path == "/redirected.json":
            return 302, {"Location": self.good}, ""
        if request.path == "/huge.json":
            return 200, plain, metadata(url, padding="x" * 100_000)
        if request.path == "/page.json":
            return 200, {"Content-Type": "text/html"}, "<h1>no document</h1>"
        if request.path == "/duplicate.json":
            return 200, plain, '{"client_id":"x","client_id":"' + url + '","redirect_uris":["' + REDIRECT + '"]}'
        if request.path == "/script-redirect.json":
            return 200, plain, metadata(url, redirect_uris=["javascript:alert(1)"])
        if request.path == "/with-secret.json":
            return 200, plain, metadata(url, token_endpoint_auth_method="client_secret_basic")
        if request.path == "/slow.json":
            time.sleep(8)
        if request.path == "/missing.json":
            return 404, plain, {}
        return 200, plain, metadata(url)
