"""A person with a browser, by HTTP: follows redirects, keeps cookies, fills in the forms that a login consists of."""

import html.parser
import http.client
import http.cookies
import ssl
import urllib.parse
from dataclasses import dataclass, field

from addresses import HEADER, new_address

PASSWORD = "correct horse"
STEPS_MAX = 25
DEADLINE_S = 20.0
# Schemes that a browser opens itself; the others are for applications.
WEB = ("http", "https")


@dataclass
class Form:
    """One form of a page: where it goes, the fields as they stand, and its buttons as (name, value, text)."""

    method: str
    action: str
    fields: list = field(default_factory=list)
    buttons: list = field(default_factory=list)

    def names(self):
        return [name for name, _ in self.fields]


class Reader(html.parser.HTMLParser):
    """Forms, title and meta refresh of a page, and its words."""

    def __init__(self):
        super().__init__()
        self.forms, self.refresh, self.words, self.links = [], None, [], []
        self._button = None
        self._silent = False

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").upper(), given.get("action", "")))
        elif tag == "input" and self.forms and given.get("name"):
            self.forms[-1].fields.append((given["name"], given.get("value", "")))
        elif tag == "button" and self.forms:
            self._button = [given.get("name"), given.get("value", ""), ""]
            self.forms[-1].buttons.append(self._button)
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.refresh = given["content"].split("url=", 1)[-1].strip("'\" ")
        elif tag == "a" and given.get("href"):
            self.links.append(given["href"])
        self._silent = tag in ("style", "script")

    def handle_endtag(self, tag):
        if tag == "button":
            self._button = None
        self._silent = False

    def handle_data(self, data):
        if self._button:
            self._button[2] += data
        if not self._silent:
            self.words.append(data)


class Page:
    """An answer that the browser shows."""

    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body
        reader = Reader()
        if "html" in headers.get("Content-Type", ""):
            reader.feed(body)
        self.forms, self.refresh, self.links = reader.forms, reader.refresh, reader.links
        self.text = " ".join(" ".join(reader.words).split())

    def __repr__(self):
        return f"{self.status} {self.url}: {self.text[:400] or self.body[:200]}"

    @property
    def location(self):
        """Where it sends the browser, whole; None: nowhere."""
        target = self.headers.get("Location") if 300 <= self.status < 400 else self.refresh
        return urllib.parse.urljoin(self.url, target) if target else None


def origin_of(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_same_site(one, other):
    """Ports are no part of a site."""
    one, other = (urllib.parse.urlsplit(each) for each in (one, other))
    return (one.scheme, one.hostname) == (other.scheme, other.hostname)


class Browser:
    """A browser. `origins`: the sites that it opens; whatever is elsewhere is where a login ends."""

    def __init__(self, origins, ca=None):
        self.origins = set(origins)
        self.cookies = {}
        self.pages = []
        self.address = new_address()
        self._tls = ssl.create_default_context(cafile=ca) if ca else None

    def request(self, method, url, form=None, headers=None, initiator=None):
        """One request and its answer, cookies included; nothing is followed."""
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        tls = {"context": self._tls} if parts.scheme == "https" and self._tls else {}
        connection = kind(parts.hostname, parts.port, timeout=DEADLINE_S, **tls)
        sent = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
        sent[HEADER] = self.address
        if initiator:
            same = origin_of(initiator) == origin_of(url)
            sent["Sec-Fetch-Site"] = "same-origin" if same else "same-site" if is_same_site(initiator, url) else "cross-site"
            if method == "POST":
                sent["Origin"] = origin_of(initiator)
        jar = self.cookies.get(parts.hostname, {})
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        connection.request(method, target, body, {**sent, **(headers or {})})
        answer = connection.getresponse()
        page = Page(url, answer.status, answer.headers, answer.read().decode(errors="replace"))
        connection.close()
        self._keep_cookies(parts.hostname, answer.headers.get_all("Set-Cookie") or [])
        self.pages.append(page)
        return page

    def _keep_cookies(self, host, lines):
        jar = self.cookies.setdefault(host, {})
        for line in lines:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value

    def open(self, url, initiator=None):
        """The page that `url` leads to, or one whose `location` is outside."""
        page = self.request("GET", url, initiator=initiator)
        return self.follow(page)

    def follow(self, page):
        for _ in range(STEPS_MAX):
            if not page.location or self.is_outside(page.location):
                return page
            page = self.request("GET", page.location, initiator=page.url)
        raise AssertionError(f"no end of redirects: {page}")

    def is_outside(self, url):
        return urllib.parse.urlsplit(url).scheme not in WEB or origin_of(url) not in self.origins

    def submit(self, page, form, button=None, **fields):
        """Sends a form as the page's own button would."""
        filled = [(name, fields.get(name, value)) for name, value in form.fields]
        if button and button[0]:
            filled.append((button[0], button[1]))
        url = urllib.parse.urljoin(page.url, form.action) if form.action else page.url
        return self.request(form.method, url, form=filled, initiator=page.url)


class Person:
    """Somebody with a browser, who logs in as `account` and answers every question with `decision`."""

    def __init__(self, origins, account="ada", decision="allow", ca=None):
        self.browser = Browser(origins, ca)
        self.account, self.decision = account, decision
        self.asked = []

    def go(self, url):
        """Where a login at `url` ends: the URL of the client, or the page that the person is left with."""
        page = self.browser.open(url)
        for _ in range(STEPS_MAX):
            if page.location:
                return page.location
            answer = self.answer(page)
            if answer is None:
                return page
            page = self.browser.follow(answer)
        raise AssertionError(f"no end of questions: {page}")

    def answer(self, page):
        """Fills in what the page asks for; None: it asks for nothing."""
        for form in page.forms:
            if "login" in form.names():
                return self.browser.submit(page, form, form.buttons[0], login=self.account, password=PASSWORD)
            button = choice(form, self.decision)
            if button:
                self.asked.append(page)
                return self.browser.submit(page, form, button)
        return None


# Words of buttons, by what the person decides.
WORDS = {
    "allow": ("allow", "continue", "log in", "sign in"),
    "deny": ("deny", "cancel", "refuse", "not allow"),
}


def choice(form, decision):
    for button in form.buttons:
        label = f"{button[2]} {button[1]}".lower()
        if any(word in label for word in WORDS[decision]):
            return button
    return None
