"""What happens to logins when the gateway dies, is reloaded, is flooded, or its provider does not answer."""

import os
import signal
import threading
import time

from attacks import stops_at_callback
from checks import Checks
from client import Client, answer_of, call, is_allowed, register
from python_raw_oauth import send
from user import Browser, choice

from rig import gateway, processes

fault = Checks()
KILLS = 3
LOGINS_AT_ONCE = 3
LOGINS_BEFORE_A_KILL = 4
DEADLINE_S = 30.0
FLOOD_ONE_ADDRESS = 40
FLOOD_ADDRESSES = 900
FLOOD_LOGINS = 5_000
GROWTH_BYTES_MAX = 48 << 20


def kill(service):
    """Ends the gateway as a power failure would, and starts it again."""
    os.killpg(service.pid, signal.SIGKILL)
    service.stop()
    # The kernel may keep the sockets of the one that is gone for a moment: it seems to listen, and its port is taken.
    deadline = time.monotonic() + DEADLINE_S
    while not answers(service):
        assert time.monotonic() < deadline, service.log_tail()
        if not service.alive():
            service.start()
        time.sleep(0.02)


def answers(service):
    try:
        return send("GET", f"{service.origin}/oauth/jwks")[0] == 200
    except OSError:
        return False


class Busy:
    """Clients that log in and refresh until the gateway is gone; remembers what each was told last."""

    def __init__(self, scene, client_id):
        self.scene, self.client_id = scene, client_id
        self.told, self.failures = [], []
        self.is_over = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(LOGINS_AT_ONCE)]

    def _work(self):
        client = Client(self.scene, self.client_id)
        try:
            while not self.is_over:
                told = client.log_in()
                entry = [told["refresh_token"], told["access_token"], True]
                self.told.append(entry)
                entry[2] = False
                status, again = client.refresh(told["refresh_token"])
                assert status == 200, again
                entry[0], entry[1], entry[2] = again["refresh_token"], again["access_token"], True
        except Exception as failure:  # Whatever ends a client before the kill is a failure of the run.
            # What was on its way when the gateway was killed has nobody to end it.
            if not self.is_over:
                self.failures.append(repr(failure))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + DEADLINE_S
        while sum(each[2] for each in self.told) < LOGINS_BEFORE_A_KILL and not self.failures:
            assert time.monotonic() < deadline, "no login ended in time"
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join(DEADLINE_S)


@fault
def what_was_granted_outlives_a_kill(scene):
    status, registered = register(scene)
    assert status == 201, registered
    client_id = registered["client_id"]
    for _ in range(KILLS):
        with Busy(scene, client_id) as busy:
            busy.is_over = True
            kill(scene.service)
        assert not busy.failures, busy.failures
        client = Client(scene, client_id)
        settled = [each for each in busy.told if each[2]]
        assert len(settled) >= LOGINS_BEFORE_A_KILL
        for refresh_token, access_token, _ in settled:
            assert is_allowed(call(scene.url, access_token)), "an access token did not outlive the kill"
            status, told = client.refresh(refresh_token)
            assert status == 200, told


def end_of(service):
    """What a gateway says that does not start. It listens before it opens its store, so that it may seem to be there."""
    try:
        service.start()
        deadline = time.monotonic() + DEADLINE_S
        while service.alive():
            assert not answers(service), "a second gateway took the store"
            assert time.monotonic() < deadline, service.log_tail()
            time.sleep(0.02)
        return service.log_tail()
    except processes.StartFailure as failure:
        return str(failure)
    finally:
        service.stop()


@fault
def a_second_gateway_does_not_take_the_same_store(scene):
    folder = scene.folder / "second"
    folder.mkdir()
    configuration = gateway.Configuration(folder)
    text = scene.configuration.text().replace(f"port = {scene.port}", f"port = {configuration.port}")
    configuration.text = lambda: text.replace(str(scene.folder / "audit.jsonl"), str(folder / "audit.jsonl"))
    told = end_of(gateway.gateway(scene.guard, configuration))
    assert "oauth.redb" in told and "another" in told.lower(), told
    assert is_allowed(call(scene.url, Client(scene).log_in()["access_token"])), "the first one is disturbed"


@fault
def a_reload_in_the_middle_of_a_login_does_not_end_it(scene):
    client = Client(scene)
    person = client.person()
    location = stops_at_callback(client, person)
    os.kill(scene.service.pid, signal.SIGHUP)
    deadline = time.monotonic() + DEADLINE_S
    while "reload" not in scene.service.log_tail():
        assert time.monotonic() < deadline, "the gateway said nothing of a reload"
        time.sleep(0.02)
    person.browser.origins.add(scene.origin)
    status, told = client.redeem(answer_of(person.browser.open(location).location)["code"])
    assert status == 200 and is_allowed(call(scene.url, told["access_token"])), told


@fault
def a_provider_that_is_down_fails_the_login_and_not_the_gateway(scene):
    client = Client(scene)
    person = client.person()
    location = stops_at_callback(client, person)
    held = Client(scene).log_in()
    scene.provider.control(down=True)
    try:
        person.browser.origins.add(scene.origin)
        ended = person.browser.open(location)
        if ended.location:
            answer = answer_of(ended.location)
            assert answer["error"] in ("temporarily_unavailable", "server_error"), answer
        else:
            assert ended.status in (502, 503, 504), ended
        assert is_allowed(call(scene.url, held["access_token"])), "a token that was issued needs no provider"
    finally:
        scene.provider.control(down=False)
    assert is_allowed(call(scene.url, Client(scene).log_in()["access_token"]))


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


@fault
def one_address_cannot_register_without_end(scene):
    from_one = {"Content-Type": "application/json", "X-Forwarded-For": "10.99.0.1"}
    body = '{"client_name":"flood","redirect_uris":["http://127.0.0.1/x"],"token_endpoint_auth_method":"none"}'
    answers = [send("POST", f"{scene.origin}/oauth/register", body, from_one) for _ in range(FLOOD_ONE_ADDRESS)]
    statuses = [status for status, _, _ in answers]
    assert set(statuses) == {201, 429} and statuses.count(201) <= 20, statuses
    refused = next(headers for status, headers, _ in answers if status == 429)
    assert int(refused["Retry-After"]) > 0, dict(refused)
    assert register(scene)[0] == 201, "somebody else cannot register now"


@fault
def a_flood_of_logins_is_bounded_and_others_are_served(scene):
    before = resident_bytes(scene.service.pid)
    statuses = set()
    for number in range(FLOOD_LOGINS):
        client = Client(scene)
        fields = {"X-Forwarded-For": f"10.98.{number // 250 % 250}.{number % 250 + 1}"}
        statuses.add(send("GET", client.url(), None, fields)[0])
    assert statuses <= {200, 429, 503}, statuses
    grown = resident_bytes(scene.service.pid) - before
    assert grown < GROWTH_BYTES_MAX, f"{grown >> 20} MiB for {FLOOD_LOGINS} logins that nobody finished"
    assert is_allowed(call(scene.url, Client(scene).log_in()["access_token"]))


@fault
def a_flood_of_registrations_is_bounded_and_others_are_served(scene):
    before = resident_bytes(scene.service.pid)
    statuses = [register(scene, client_name="x" * 120)[0] for _ in range(FLOOD_ADDRESSES)]
    assert set(statuses) <= {201, 429} and 429 in statuses, set(statuses)
    grown = resident_bytes(scene.service.pid) - before
    assert grown < GROWTH_BYTES_MAX, f"{grown >> 20} MiB for {statuses.count(201)} registrations"
    # Who is known needs no registration.
    assert is_allowed(call(scene.url, Client(scene).log_in()["access_token"]))
    page = Browser([scene.origin]).open(Client(scene, scene.documents.good).url())
    assert choice(page.forms[0], "allow"), page
