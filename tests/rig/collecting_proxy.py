"""A reverse proxy with the commonest defect: it collects an answer before it passes it on.

    collecting_proxy.py PORT UPSTREAM_PORT
"""

import http.client
import http.server
import sys

UPSTREAM_DEADLINE_S = 5.0
NOT_FORWARDED = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=UPSTREAM_DEADLINE_S)
        try:
            upstream.request(self.command, self.path, body or None, dict(self.headers))
            answer = upstream.getresponse()
            self.answer(answer.status, answer.getheaders(), answer.read())
        except OSError:
            self.answer(504, [], b"")
        finally:
            upstream.close()

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    do_GET = do_POST = do_DELETE = do_OPTIONS = forward


listen_port, upstream_port = int(sys.argv[1]), int(sys.argv[2])
http.server.ThreadingHTTPServer(("127.0.0.1", listen_port), Handler).serve_forever()
