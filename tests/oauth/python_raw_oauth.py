"""Requests of a client that no SDK makes, with the standard library alone."""

import http.client
import urllib.parse

from addresses import HEADER, new_address

DEADLINE_S = 20.0


def send(method, url, body=None, headers=None):
    """Status, headers and text of the answer."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=DEADLINE_S)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    connection.request(method, target, body, {HEADER: new_address(), **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, answer.headers, text


def post_form(url, form, headers=None):
    """`form` may be a mapping, pairs, or text that is encoded already."""
    body = form if isinstance(form, (str, bytes)) else urllib.parse.urlencode(form)
    return send("POST", url, body, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
