"""The least that a run without a reference must reach: what it reached before."""

import json
import pathlib

FLOORS = pathlib.Path(__file__).with_name("floors.json")


def known():
    """`{"leg suite": "passed/failed"}`; empty before the first run that writes it."""
    return json.loads(FLOORS.read_text()) if FLOORS.exists() else {}


def fell(before, now):
    """Whether fewer checks succeeded, or more failed, than `before` says."""
    (passed_before, failed_before), (passed, failed) = (map(int, each.split("/")) for each in (before, now))
    return passed < passed_before or failed > failed_before


def write(reached):
    """Makes `reached` the floor of its runs, and keeps that of the others."""
    FLOORS.write_text(json.dumps(dict(sorted({**known(), **reached}.items())), indent=2) + "\n")
