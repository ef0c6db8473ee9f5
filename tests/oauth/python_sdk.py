#!/usr/bin/env python3
"""Logs in with the Python SDK's own OAuth client, and says which properties hold.

    python_sdk.py PLAN [--only NAME]

PLAN is the JSON of `Scene.plan`. Runs under the SDK 2.x in both eras and under 1.x, which knows the legacy one alone.
"""

import argparse
import json
import logging
import sys
import traceback

import anyio
from python_connect import ERAS, VERSION, Access, connect, register_again
from python_raw_oauth import post_form

DEADLINE_S = 40
WAYS = ("registered", "document", "dynamic")
SCOPE_REFUSED = 40301

properties = []


def holds(*ways):
    def register(function):
        properties.extend((function, way) for way in ways)
        return function

    return register


async def said(client, tool, text):
    return (await client.call_tool(tool, {"text": text})).content[0].text


@holds(*WAYS)
async def a_client_logs_in_lists_and_calls(plan, era, way):
    access = Access(plan, way)
    async with connect(access, plan["url"], era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"echo", "echo_number", "secret"} <= names, names
        assert await said(client, "echo", "hello") == "hello"
    assert len(access.visits) == 1 and access.visits[0]["asked"] >= plan["asks"], access.visits
    assert access.storage.tokens.refresh_token, "no refresh token was issued"
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "again") == "again"
    assert len(access.visits) == 1, "the token was kept, and yet the person was asked again"


@holds("registered", "dynamic")
async def a_call_beyond_the_scopes_makes_the_client_ask_for_more(plan, era, way):
    access = Access(plan, way, asks_only="tools:read")
    async with connect(access, plan["url"], era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "echo" in names and "secret" not in names, names
        access.asks_only = None
        assert await said(client, "secret", "please") == "secret please"
        assert await said(client, "echo", "still") == "still"
    assert len(access.visits) == 2, access.visits
    assert set(access.storage.tokens.scope.split()) == {"tools:read", "tools:write"}, access.storage.tokens.scope


@holds(*WAYS)
async def an_expired_token_is_refreshed_without_the_person(plan, era, way):
    access = Access(plan, way)
    async with connect(access, plan["url"], era) as client:
        # A client of 2026-07-28 says nothing before it calls.
        assert await said(client, "echo", "first") == "first"
        before = access.storage.tokens
        for _ in range(3):
            access.expire()
            assert await said(client, "echo", "later") == "later"
            after = access.storage.tokens
            assert after.access_token != before.access_token and after.refresh_token != before.refresh_token
            before = after
    assert len(access.visits) == 1, access.visits


@holds("registered")
async def a_revoked_grant_ends_and_the_client_logs_in_again(plan, era, way):
    access = Access(plan, way)
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "before") == "before"
    form = {"token": access.storage.tokens.refresh_token, "client_id": plan["registered"]["client_id"]}
    form["client_secret"] = plan["registered"]["client_secret"]
    assert post_form(f"{plan['origin']}/oauth/revoke", form)[0] == 200
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "after") == "after"
    assert len(access.visits) == 2, access.visits


@holds("registered")
async def a_token_of_one_server_is_refused_at_another(plan, era, way):
    one = Access(plan, way)
    async with connect(one, plan["url"], era) as client:
        assert await said(client, "echo", "one") == "one"
    other = Access(plan, way)
    other.storage.tokens = one.storage.tokens
    other.storage.tokens.refresh_token = None
    async with connect(other, plan["other_url"], era) as client:
        assert await said(client, "echo", "other") == "other"
    assert len(other.visits) == 1, "the token of one server was good at the other"


@holds("dynamic")
async def a_client_without_resource_metadata_finds_its_way(plan, era, way):
    access = Access(plan, way, hides_resource_metadata=True)
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "of 2025-03-26") == "of 2025-03-26"
    assert "resource=" not in access.visits[0]["url"] or era != "legacy", access.visits


@holds("registered", "dynamic")
async def a_person_who_denies_leaves_the_client_without_a_token(plan, era, way):
    access = Access(plan, way, decision="deny")
    try:
        async with connect(access, plan["url"], era) as client:
            await client.list_tools()
    except BaseException as failure:
        if isinstance(failure, (KeyboardInterrupt, SystemExit)):
            raise
    assert len(access.visits) == 1 and "error=access_denied" in access.visits[0]["ended"], access.visits
    assert access.storage.tokens is None


@holds("dynamic")
async def a_registration_that_is_gone_is_made_anew(plan, era, way):
    access = Access(plan, way)
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "first") == "first"
    first = access.storage.client.client_id
    register_again(access)
    async with connect(access, plan["url"], era) as client:
        assert await said(client, "echo", "second") == "second"
    assert access.storage.client.client_id != first


async def check(function, way, era, plan):
    name = f"{function.__name__} [{way}, {era}]"
    try:
        with anyio.fail_after(DEADLINE_S):
            await function(plan, era, way)
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
        print(f"FAIL {name}: {reason(failure)}", flush=True)
        return False
    print(f"ok   {name}", flush=True)
    return True


def reason(failure):
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    own = [frame for frame in traceback.extract_tb(failure.__traceback__) if "/oauth/python_" in frame.filename]
    return f"{type(failure).__name__}: {failure}{f' at {own[-1].line}' if own else ''}"


async def run(plan, only):
    outcomes = [
        await check(function, way, era, plan)
        for function, way in properties
        for era in ERAS
        if not only or only in f"{function.__name__} [{way}, {era}]"
    ]
    print(f"python {VERSION}: {outcomes.count(True)} passed, {outcomes.count(False)} failed")
    return 0 if all(outcomes) and (outcomes or only) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan")
    parser.add_argument("--only")
    options = parser.parse_args()
    # What goes wrong shows in a property; the client logs what it unwinds, too.
    logging.disable(logging.CRITICAL)
    return anyio.run(run, json.loads(options.plan), options.only)


if __name__ == "__main__":
    sys.exit(main())
