"""Clients that are named by the URL of their metadata document: what the gateway fetches, and what it does not."""

import contextlib
import socket
import threading

from checks import Checks
from client import Client, call, is_allowed
from documents import NAME
from user import Browser, choice

documents, untrusted = Checks(), Checks()
# A scene in which no host is trusted with documents.
UNTRUSTED = {"trusted_client_hosts": []}


def shown(scene, client_id):
    """What a person sees who is sent by this client."""
    return Browser([scene.origin]).open(Client(scene, client_id).url())


@documents
def a_documented_client_logs_in(scene):
    client = Client(scene, scene.documents.good)
    person = client.person()
    told = client.log_in(person)
    assert is_allowed(call(scene.url, told["access_token"]))
    page = person.asked[0]
    assert NAME in page.text and "localhost" in page.text, page
    status, told = client.refresh(told["refresh_token"])
    assert status == 200, told


@documents
def a_document_is_fetched_once(scene):
    client = Client(scene, scene.documents.good)
    client.log_in()
    before = scene.documents.count("/client.json")
    for _ in range(5):
        assert choice(shown(scene, scene.documents.good).forms[0], "allow")
    assert scene.documents.count("/client.json") == before


@documents
def a_document_with_a_defect_is_an_error_page(scene):
    for name in (
        "another-id",
        "redirected",
        "huge",
        "page",
        "duplicate",
        "script-redirect",
        "with-secret",
        "slow",
        "missing",
    ):
        page = shown(scene, f"{scene.documents.origin}/{name}.json")
        assert page.status >= 400 and not page.location and not page.forms, (name, page)


@documents
def a_document_that_failed_is_not_fetched_again_at_once(scene):
    path = "/missing.json"
    before = scene.documents.count(path)
    for _ in range(5):
        assert shown(scene, f"{scene.documents.origin}{path}").status >= 400
    assert scene.documents.count(path) - before <= 1


@documents
def an_id_that_only_looks_like_the_document_is_another_client(scene):
    good = scene.documents.good
    for wrong in (
        good + "#x",
        good + "?x=1",
        good.replace("localhost", "LOCALHOST"),
        good.replace("/client.json", "/./client.json"),
        good.replace("/client.json", "/a/../client.json"),
        good.replace("https://", "https://user@"),
        good.replace("https://", "http://"),
        scene.documents.origin + "/",
        scene.documents.origin,
    ):
        page = shown(scene, wrong)
        assert page.status >= 400 and not page.location and not page.forms, (wrong, page)


@contextlib.contextmanager
def trap():
    """A port of every loopback address, and the connections that came to it."""
    connections = []
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:

        def count():
            with contextlib.suppress(OSError):
                while True:
                    connection, address = listener.accept()
                    connections.append(address)
                    connection.close()

        threading.Thread(target=count, daemon=True).start()
        yield listener.getsockname()[1], connections


@untrusted
def nobody_makes_the_gateway_connect_to_itself_or_its_network(scene):
    with trap() as (port, connections):
        for host in (
            "127.0.0.1",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "127.1",
            "127.0.0.1.",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[::127.0.0.1]",
            "ip6-localhost",
            socket.gethostname(),
            "x.localhost",
        ):
            page = shown(scene, f"https://{host}:{port}/client.json")
            assert page.status >= 400 and not page.location and not page.forms, (host, page)
        assert not connections, connections


@untrusted
def metadata_services_and_private_networks_are_not_asked(scene):
    for host in (
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
    ):
        page = shown(scene, f"https://{host}/latest/meta-data/client.json")
        assert page.status >= 400 and not page.location and not page.forms, (host, page)


@untrusted
def a_document_on_a_host_that_is_not_trusted_is_not_fetched(scene):
    page = shown(scene, scene.documents.good)
    assert page.status >= 400 and not scene.documents.requests, page
