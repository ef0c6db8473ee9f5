"""Attacks on a login, from outside: what nobody may get by replay, by mixing up, or by asking."""

import json
import time
import urllib.parse

from checks import Checks
from client import Client, answer_of, call, claims_of, is_allowed, register
from python_raw_oauth import post_form, send
from user import Browser, Person, choice

attack = Checks()
# What a scene with these attacks needs beside the usual.
REVOCATION_DEADLINE_S = 5.0


def state_at_provider(client, person):
    """Walks to the provider's login page; the page, and the state that the gateway sent with the person."""
    page = person.browser.open(client.url())
    for _ in range(4):
        if any("login" in form.names() for form in page.forms):
            break
        page = person.browser.follow(person.answer(page))
    sent = [answer_of(each.url) for each in person.browser.pages if "/auth?" in each.url]
    return page, sent[-1]["state"]


def stops_at_callback(client, person):
    """Logs in at the provider, and stops before the gateway's callback is asked; its URL."""
    person.browser.origins = {client.scene.origin, client.scene.provider.origin}
    page, _ = state_at_provider(client, person)
    person.browser.origins = {client.scene.provider.origin}
    page = person.browser.follow(person.answer(page))
    assert "/oauth/callback?" in (page.location or ""), page
    return page.location


def is_error_page(page):
    return page.status >= 400 and not page.location


@attack
def a_whole_login_works_and_the_token_says_whose_it_is(scene):
    told = Client(scene).log_in()
    claims = claims_of(told["access_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (scene.origin, scene.url, "ada"), claims
    assert claims["client_id"] == "desktop" and set(told["scope"].split()) == {"tools:read", "tools:write"}, told
    assert told["token_type"].lower() == "bearer" and 0 < told["expires_in"] <= 3600, told
    assert is_allowed(call(scene.url, told["access_token"]))


@attack
def the_provider_s_token_stays_in_the_gateway(scene):
    told = Client(scene).log_in()
    for secret in (told["access_token"], told["refresh_token"], scene.secret):
        assert secret not in scene.service.log_path.read_text(), "a secret is in the log"
        assert secret not in (scene.folder / "audit.jsonl").read_text(), "a secret is in the audit log"
    status, _, _ = call(scene.url, told["access_token"])
    assert status == 200
    text = send("GET", f"{scene.recorder.origin}/seen")[2]
    assert told["access_token"] not in text, "the token went to the server behind"


@attack
def a_callback_in_another_browser_gets_nothing(scene):
    client = Client(scene)
    location = stops_at_callback(client, client.person())
    stranger = Browser([scene.origin]).open(location)
    assert is_error_page(stranger), stranger


@attack
def a_stranger_s_callback_does_not_end_the_login_of_the_one_who_began_it(scene):
    client = Client(scene)
    person = client.person()
    location = stops_at_callback(client, person)
    assert is_error_page(Browser([scene.origin]).open(location))
    person.browser.origins.add(scene.origin)
    assert "code" in answer_of(person.browser.open(location).location)


@attack
def a_state_is_good_once(scene):
    client = Client(scene)
    person = client.person()
    location = stops_at_callback(client, person)
    person.browser.origins.add(scene.origin)
    assert "code" in answer_of(person.browser.open(location).location)
    again = person.browser.open(location)
    assert is_error_page(again), again


@attack
def a_state_that_nobody_gave_is_an_error_page(scene):
    for query in ("code=x&state=made-up", "code=x", "", "error=access_denied&state=made-up", "state=a&state=b&code=x"):
        page = Browser([scene.origin]).open(f"{scene.origin}/oauth/callback?{query}")
        assert is_error_page(page), (query, page)
        assert "made-up" not in page.body, "the page repeats what it was sent"


@attack
def an_answer_of_another_issuer_is_refused(scene):
    for wrong in ("https://evil.example", scene.provider.origin + "/", scene.provider.origin.upper(), None):
        client = Client(scene)
        person = client.person()
        location = stops_at_callback(client, person)
        parts = urllib.parse.urlsplit(location)
        query = dict(urllib.parse.parse_qsl(parts.query)) | {"iss": wrong}
        query = {name: value for name, value in query.items() if value is not None}
        person.browser.origins.add(scene.origin)
        before = scene.provider.seen("/token")
        page = person.browser.open(parts._replace(query=urllib.parse.urlencode(query)).geturl())
        assert "code=" not in (page.location or ""), (wrong, page)
        assert scene.provider.seen("/token") == before, f"the code was sent to the provider although iss is {wrong}"


@attack
def a_code_is_good_once_and_its_second_use_ends_the_grant(scene):
    client = Client(scene)
    code = client.code()
    status, told = client.redeem(code)
    assert status == 200, told
    assert is_allowed(call(scene.url, told["access_token"]))
    status, refusal = client.redeem(code)
    assert (status, refusal["error"]) == (400, "invalid_grant"), refusal
    status, refusal = client.refresh(told["refresh_token"])
    assert (status, refusal["error"]) == (400, "invalid_grant"), "the grant outlived the replay of its code"


@attack
def a_code_without_its_verifier_is_worth_nothing(scene):
    for wrong in ("A" * 43, "", None, Client(scene).verifier):
        client = Client(scene)
        code = client.code()
        status, told = client.redeem(code, code_verifier=wrong)
        assert status == 400 and told["error"] in ("invalid_grant", "invalid_request"), (wrong, told)


@attack
def a_code_is_for_its_redirect_uri_alone(scene):
    for wrong in ("http://127.0.0.1:10/callback", "http://127.0.0.1:9/callback/", "https://evil.example/"):
        client = Client(scene)
        code = client.code()
        status, told = client.redeem(code, redirect_uri=wrong)
        assert status == 400, (wrong, told)


@attack
def a_code_of_one_client_is_nothing_to_another(scene):
    status, other = register(scene)
    assert status == 201, other
    client = Client(scene)
    thief = Client(scene, other["client_id"])
    thief.verifier = client.verifier
    status, told = thief.redeem(client.code())
    assert (status, told["error"]) == (400, "invalid_grant"), told
    told = client.log_in()
    status, told = thief.refresh(told["refresh_token"])
    assert (status, told["error"]) == (400, "invalid_grant"), told


@attack
def a_client_with_a_wrong_secret_gets_nothing(scene):
    client = Client(scene)
    code = client.code()
    for secret in ("wrong", "", scene.registered["client_secret"] + "x"):
        thief = Client(scene, "desktop", secret)
        thief.verifier = client.verifier
        status, told = thief.redeem(code)
        assert (status, told["error"]) == (401, "invalid_client"), told
    public = Client(scene, "desktop")
    public.verifier = client.verifier
    status, told = public.redeem(code)
    assert (status, told["error"]) == (401, "invalid_client"), told


@attack
def a_code_for_one_resource_makes_no_token_for_another(scene):
    client = Client(scene)
    status, told = client.redeem(client.code(), resource=scene.other_url)
    assert (status, told["error"]) == (400, "invalid_target"), told


@attack
def a_token_of_one_resource_is_refused_at_another(scene):
    told = Client(scene).log_in()
    assert is_allowed(call(scene.url, told["access_token"]))
    status, headers, _ = call(scene.other_url, told["access_token"])
    assert status == 401 and 'error="invalid_token"' in headers["WWW-Authenticate"], (status, headers)
    assert is_allowed(call(scene.url, told["access_token"]))
    everywhere = Client(scene)
    status, told = everywhere.redeem(everywhere.code(resource=None), resource=None)
    assert status == 200 and is_allowed(call(scene.other_url, told["access_token"])), told


@attack
def a_resource_that_is_not_ours_is_refused(scene):
    for wrong in ("https://evil.example/mcp", scene.origin.replace("127.0.0.1", "localhost") + "/mcp/tools", "x"):
        ended = Client(scene).person().go(Client(scene).url(resource=wrong))
        assert isinstance(ended, str), ended
        assert answer_of(ended)["error"] in ("invalid_target", "invalid_request"), ended


@attack
def a_refresh_token_is_good_once_and_its_second_use_ends_the_grant(scene):
    client = Client(scene)
    first = client.log_in()
    status, second = client.refresh(first["refresh_token"])
    assert status == 200 and second["refresh_token"] != first["refresh_token"], second
    assert is_allowed(call(scene.url, second["access_token"]))
    status, told = client.refresh(first["refresh_token"])
    assert (status, told["error"]) == (400, "invalid_grant"), told
    status, told = client.refresh(second["refresh_token"])
    assert (status, told["error"]) == (400, "invalid_grant"), "the grant outlived the theft of its refresh token"


@attack
def a_refresh_cannot_widen_what_was_granted(scene):
    client = Client(scene)
    told = client.log_in(scope="tools:read")
    assert told["scope"] == "tools:read", told
    status, wide = client.refresh(told["refresh_token"], scope="tools:read tools:write")
    assert status == 400 and wide["error"] == "invalid_scope" or wide.get("scope") == "tools:read", wide


@attack
def a_scope_that_the_provider_did_not_grant_is_not_in_the_token(scene):
    client = Client(scene)
    told = client.log_in(client.person("ben"))
    assert told["scope"] == "tools:read", told
    assert is_allowed(call(scene.url, told["access_token"]))
    assert not is_allowed(call(scene.url, told["access_token"], "secret"))


@attack
def a_revoked_grant_ends_at_once(scene):
    client = Client(scene)
    for which in ("refresh_token", "access_token"):
        told = client.log_in()
        assert is_allowed(call(scene.url, told["access_token"]))
        assert client.revoke(told[which]) == 200
        status, refusal = client.refresh(told["refresh_token"])
        assert (status, refusal["error"]) == (400, "invalid_grant"), (which, refusal)
        deadline = time.monotonic() + REVOCATION_DEADLINE_S
        while call(scene.url, told["access_token"])[0] != 401:
            assert time.monotonic() < deadline, f"the access token outlived the revocation of its {which}"
            time.sleep(0.02)


@attack
def only_its_client_revokes_a_grant(scene):
    _, other = register(scene)
    told = Client(scene).log_in()
    Client(scene, other["client_id"]).revoke(told["refresh_token"])
    status, _ = Client(scene).refresh(told["refresh_token"])
    assert status == 200, "another client revoked the grant"


@attack
def nobody_is_sent_to_a_place_that_the_client_did_not_register(scene):
    tricks = (
        "https://evil.example/callback",
        "http://127.0.0.1.evil.example:9/callback",
        "http://127.0.0.1:9@evil.example/callback",
        "http://127.0.0.1:9/callback/../evil",
        "http://127.0.0.1:9/callback?next=https://evil.example",
        "http://127.0.0.1:9/callback#fragment",
        "http://localhost.evil.example/callback",
        "http://127.0.0.1:9\\@evil.example/callback",
        "//evil.example/callback",
        "javascript:alert(1)",
        "HTTP://127.0.0.1:9/callback",
        "http://127.1:9/callback",
        "http://2130706433:9/callback",
        "http://[::1]:9/callback",
        "https://127.0.0.1:9/callback",
    )
    for trick in tricks:
        page = Browser([scene.origin]).open(Client(scene).url(redirect_uri=trick))
        assert is_error_page(page), (trick, page)
        assert "evil" not in page.body, "the page repeats what it was sent"


@attack
def faults_behind_a_good_redirect_uri_go_there_with_state_and_issuer(scene):
    faults = (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
    )
    for changed, error in faults:
        client = Client(scene)
        page = Browser([scene.origin]).open(client.url(**changed))
        assert page.location, (changed, page)
        answer = answer_of(page.location)
        assert (answer["error"], answer["state"], answer["iss"]) == (error, client.state, scene.origin), answer


@attack
def unknown_clients_get_a_page(scene):
    for client_id in ("nobody", "", "desktop ", "<script>alert(1)</script>", "https://localhost/none", "mcpg_" + "A" * 40):
        page = Browser([scene.origin]).open(Client(scene).url(client_id=client_id))
        assert is_error_page(page) and "<script>" not in page.body, (client_id, page)


@attack
def a_repeated_parameter_is_refused(scene):
    url = Client(scene).url() + "&client_id=desktop"
    assert is_error_page(Browser([scene.origin]).open(url))
    url = Client(scene).url() + "&state=another"
    page = Browser([scene.origin]).open(url)
    assert is_error_page(page) or "error=" in page.location, page


def consent_page(scene, client=None):
    client = client or Client(scene)
    browser = Browser([scene.origin])
    page = browser.open(client.url())
    form = next(form for form in page.forms if choice(form, "allow"))
    return browser, page, form


@attack
def consent_from_another_site_is_refused(scene):
    browser, page, form = consent_page(scene)
    button = choice(form, "allow")
    fields = [*form.fields, *([(button[0], button[1])] if button[0] else [])]
    url = urllib.parse.urljoin(page.url, form.action)
    before = scene.provider.seen("/auth")
    for initiator in ("https://evil.example", scene.origin.replace(str(scene.port), "1")):
        answer = browser.request("POST", url, form=fields, initiator=initiator + "/page")
        assert answer.status in (400, 403) and not answer.location, (initiator, answer)
    for headers in ({"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = browser.request("POST", url, form=fields, headers=headers)
        assert answer.status in (400, 403) and not answer.location, (headers, answer)
    assert scene.provider.seen("/auth") == before


@attack
def consent_without_its_token_or_its_browser_is_refused(scene):
    browser, page, form = consent_page(scene)
    button = choice(form, "allow")
    url = urllib.parse.urljoin(page.url, form.action)
    for name, value in form.fields:
        fields = [(each, "x" * len(content) if each == name else content) for each, content in form.fields]
        fields += [(button[0], button[1])] if button[0] else []
        if value:
            answer = browser.request("POST", url, form=fields, initiator=page.url)
            assert answer.status in (400, 403) and not answer.location, (name, answer)
    stranger = Browser([scene.origin])
    fields = [*form.fields, *([(button[0], button[1])] if button[0] else [])]
    answer = stranger.request("POST", url, form=fields, initiator=page.url)
    assert answer.status in (400, 403) and not answer.location, answer


@attack
def consent_by_get_is_refused(scene):
    browser, page, form = consent_page(scene)
    url = urllib.parse.urljoin(page.url, form.action)
    answer = browser.request("GET", f"{url}?{urllib.parse.urlencode(form.fields)}", initiator=page.url)
    assert answer.status in (400, 404, 405), answer


@attack
def nobody_reaches_the_provider_before_the_client_was_agreed_to(scene):
    before = scene.provider.seen("/auth")
    _, other = register(scene, client_name="Looks like Desktop")
    page = Browser([scene.origin, scene.provider.origin]).open(Client(scene, other["client_id"]).url())
    assert page.status == 200 and "Looks like Desktop" in page.text, page
    assert scene.provider.seen("/auth") == before
    # Somebody who has agreed to one client is asked about the next.
    person = Client(scene).person()
    Client(scene).log_in(person)
    page = person.browser.open(Client(scene, other["client_id"]).url())
    assert page.status == 200 and choice(page.forms[0], "deny"), page


@attack
def names_of_clients_are_text(scene):
    name = "<img src=x onerror=alert(1)>\u202egnp.exe"
    status, other = register(scene, client_name=name)
    if status == 201:
        page = Browser([scene.origin]).open(Client(scene, other["client_id"]).url())
        assert "<img" not in page.body and "\u202e" not in page.body, page.body
    status, other = register(scene, client_name='"><script>alert(1)</script>')
    assert status in (201, 400), other
    if status == 201:
        assert "<script" not in Browser([scene.origin]).open(Client(scene, other["client_id"]).url()).body


@attack
def every_page_forbids_frames_scripts_and_caches(scene):
    browser, page, _ = consent_page(scene)
    client = Client(scene)
    person = client.person()
    person.go(f"{scene.origin}/oauth/authorize")
    pages = [page, browser.open(f"{scene.origin}/oauth/callback?state=x"), *person.browser.pages]
    for each in pages:
        if not each.url.startswith(scene.origin) or "html" not in each.headers.get("Content-Type", ""):
            continue
        policy = each.headers["Content-Security-Policy"]
        for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert rule in policy, (each, policy)
        assert "unsafe" not in policy and "<script" not in each.body, each
        assert "no-store" in each.headers["Cache-Control"], each
        assert each.headers["X-Frame-Options"] == "DENY" and each.headers["X-Content-Type-Options"] == "nosniff"
        # With `no-referrer` a browser would not say where a form comes from.
        assert each.headers["Referrer-Policy"] in ("no-referrer", "same-origin"), each.headers


@attack
def cookies_are_out_of_reach_of_scripts_and_other_sites(scene):
    person = Client(scene).person()
    person.go(Client(scene).url())
    lines = [
        line
        for page in person.browser.pages
        if page.url.startswith(scene.origin)
        for line in page.headers.get_all("Set-Cookie") or []
    ]
    assert lines, "no cookie was set"
    for line in lines:
        attributes = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= attributes, line
        assert not any(each.startswith("domain") for each in attributes), line


@attack
def registrations_with_bad_redirect_uris_are_refused(scene):
    bad = (
        [],
        ["http://evil.example/callback"],
        ["javascript:alert(1)"],
        ["https://*.example/callback"],
        ["https://good.example/callback#x"],
        ["https://user@good.example/callback"],
        ["data:text/html,x"],
        ["https://good.example/callback"] * 40,
        "https://good.example/callback",
        ["x" * 5000],
    )
    for uris in bad:
        status, told = register(scene, redirect_uris=uris)
        assert status == 400 and told["error"] in ("invalid_redirect_uri", "invalid_client_metadata"), (uris, told)


@attack
def bodies_that_are_no_forms_are_refused_without_a_fault(scene):
    url = f"{scene.origin}/oauth/token"
    bodies = ("", "%", "grant_type=%zz", "a&b", "=", "grant_type=authorization_code&" * 50, "x" * 40_000, "\x00", "ä=ö")
    for body in bodies:
        status, _, _ = post_form(url, body.encode())
        assert 400 <= status < 500, (body[:20], status)
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        status, _, _ = send("POST", url, b"grant_type=refresh_token", {"Content-Type": kind})
        assert 400 <= status < 500, (kind, status)
    for body in ("", "[]", "{", "null", '{"redirect_uris":' + "[" * 5000, "1" * 20_000):
        status, _, _ = send("POST", f"{scene.origin}/oauth/register", body, {"Content-Type": "application/json"})
        assert 400 <= status < 500, (body[:20], status)


@attack
def grants_that_clients_may_not_use_are_refused(scene):
    for grant in ("password", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "implicit", ""):
        status, told = Client(scene).token_request(grant_type=grant, username="ada", password="x")
        assert status == 400 and told["error"] in ("unsupported_grant_type", "invalid_request"), (grant, told)


@attack
def tokens_of_other_makes_are_refused(scene):
    good = Client(scene).log_in()["access_token"]
    head, claims, signature = good.split(".")
    for token in (
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"eyJhbGciOiJub25lIn0.{claims}.",
        f"{head}.{claims}.",
        "mcpg_" + "A" * 43,
        good + ".x",
    ):
        status, _, _ = call(scene.url, token)
        assert status == 401, token


@attack
def a_refresh_token_or_a_code_is_no_access_token(scene):
    client = Client(scene)
    told = client.log_in()
    assert call(scene.url, told["refresh_token"])[0] == 401
    assert call(scene.url, client.code())[0] == 401
    assert scene.provider.seen("/token/introspection") == 0, "a secret of the gateway's own was sent to the provider"


@attack
def a_person_who_is_gone_at_the_provider_gets_no_code(scene):
    client = Client(scene)
    person = client.person("eve", "allow")
    person.account = "nobody-at-all"
    try:
        ended = person.go(client.url())
    except AssertionError:
        return
    assert not (isinstance(ended, str) and "code=" in ended), ended


@attack
def a_person_who_leaves_the_provider_is_told_to_the_client(scene):
    client = Client(scene)
    person = client.person()
    page, _ = state_at_provider(client, person)
    form = next(form for form in page.forms if "login" in form.names())
    ended = person.browser.follow(person.browser.submit(page, form, ("cancel", "cancel", ""), login="", password=""))
    answer = answer_of(ended.location)
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", client.state, scene.origin), answer


@attack
def documents_are_json_for_everybody(scene):
    for path in ("/.well-known/oauth-authorization-server", "/oauth/jwks", "/.well-known/oauth-protected-resource/mcp/tools"):
        status, headers, text = send("GET", scene.origin + path)
        assert status == 200 and "json" in headers["Content-Type"], (path, status)
        assert '"d"' not in text, "a private key is published"
    metadata = json.loads(send("GET", f"{scene.origin}/.well-known/oauth-authorization-server")[2])
    assert metadata["issuer"] == scene.origin and metadata["code_challenge_methods_supported"] == ["S256"], metadata
    assert metadata["authorization_response_iss_parameter_supported"] is True, metadata
    assert "offline_access" not in metadata.get("scopes_supported", []), metadata
    for path in ("/oauth", "/oauth/", "/oauth/other", "/oauth/token/", "/.well-known/openid-configuration"):
        assert send("GET", scene.origin + path)[0] == 404, path


@attack
def every_attack_left_a_record_without_secrets(scene):
    records = [each for each in scene.audit() if str(each.get("method", "")).startswith("oauth/")]
    assert records, "no record of any request"
    text = json.dumps(records)
    assert "code_verifier=" not in text and "state=" not in text and "mcpg_" not in text, "parameters are in the audit log"


__all__ = ["Person", "attack"]
