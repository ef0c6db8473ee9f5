"""Small HTTP servers inside of a test: one function answers."""

import contextlib
import http.server
import json
import ssl
import threading
import urllib.parse

BODY_BYTES_MAX = 1 << 20


class Request:
    """What was asked."""

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A server on a free port of the loopback interface; `answer` takes a `Request` and gives (status, fields, body)."""

    def __init__(self, answer, tls=None, host="127.0.0.1"):
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(handler):
                length = min(int(handler.headers.get("Content-Length") or 0), BODY_BYTES_MAX)
                request = Request(handler.command, handler.path, handler.headers, handler.rfile.read(length))
                self.requests.append(request)
                status, fields, body = answer(request)
                if not isinstance(body, (bytes, str)):
                    fields = {"Content-Type": "application/json", **fields}
                    body = json.dumps(body)
                body = body.encode() if isinstance(body, str) else body
                handler.send_response(status)
                for name, value in {**fields, "Content-Length": str(len(body))}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                with contextlib.suppress(OSError):
                    handler.wfile.write(body)

            do_GET = do_POST = do_HEAD = do_DELETE = serve

            def log_message(self, *_):
                """Says nothing."""

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Whoever went away had a reason."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.origin = f"{'https' if tls else 'http'}://{host}:{self.port}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def count(self, path):
        return sum(request.path == path for request in self.requests)
