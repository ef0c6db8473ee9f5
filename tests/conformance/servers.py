"""What the gateway is put in front of, and what a run there is held against."""

import pathlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from rig import upstreams
from suite import SUITES, Suite

LEGACY = tuple(each for each in SUITES if each.revision not in (None, "2026-07-28"))
MODERN = tuple(each for each in SUITES if each.revision == "2026-07-28")
BOTH = LEGACY + MODERN

# What the reference succeeds in and fails, directly. A direct run that differs says that the machine, the suite or the
# server changed, and that the comparison needs a second look.
BASELINES = {
    "python": {
        Suite("next", "2025-03-26"): "3/0",
        Suite("next", "2025-06-18"): "56/0",
        Suite("next", "2025-11-25"): "84/0",
        Suite("next", "2026-07-28"): "152/0",
        Suite("stable", "2025-06-18"): "26/0",
        Suite("stable", "2025-11-25"): "44/0",
    },
    "everything": {
        Suite("next", "2025-03-26"): "2/1",
        Suite("next", "2025-06-18"): "39/17",
        Suite("next", "2025-11-25"): "47/22",
        Suite("next", "2026-07-28"): "11/108",
        Suite("stable", "2025-06-18"): "10/16",
        Suite("stable", "2025-11-25"): "13/21",
    },
}
# What a transport other than Streamable HTTP cannot show: the suite calls it optional and notes it (INFO) instead of judging
# it. A child or an HTTP+SSE server has no stream of its own to close, and where nothing precedes an answer the gateway gives
# it as JSON.
NOTED_ONLY = {
    "server-sse-streams-functional": "answers come as JSON",
    "server-sse-disconnect-resume": "nobody closes the stream",
    "server-sse-priming-event": "answers come as JSON",
    "server-sse-retry-field": "answers come as JSON",
}
# Servers over Streamable HTTP, run without a gateway to learn what is right.
REFERENCES = {"python": upstreams.python_conformance, "everything": upstreams.server_everything}


@dataclass(frozen=True)
class Leg:
    """A server behind the gateway.

    With a `reference`, no check may be lost against it. Without one (another era is translated, so some checks ask for
    what the server does not have) the numbers may not fall below those of `floors.json`.
    """

    name: str
    upstream: Callable
    suites: tuple = tuple(SUITES)
    reference: str | None = None
    keys: dict = field(default_factory=dict)
    credentials: tuple = ("bearer",)

    @property
    def noted_only(self):
        """Checks that may be noted instead of passed."""
        return NOTED_ONLY if self.reference and self.upstream else {}


LEGS = {
    leg.name: leg
    for leg in (
        # `None` for the upstream: the reference itself stands behind the gateway.
        Leg("python", None, reference="python", credentials=("anonymous", "bearer")),
        # Translated, it passes and fails other checks than by itself: that is a leg of its own.
        Leg("everything", None, reference="everything", keys={"translate": False}, credentials=("anonymous", "bearer")),
        Leg("python-stdio", upstreams.python_conformance_stdio, BOTH, "python"),
        Leg("everything-stdio", upstreams.server_everything_stdio, LEGACY, "everything"),
        Leg("python-sse", upstreams.python_conformance_sse, LEGACY, "python", {"era": "legacy"}),
        Leg("everything-sse", upstreams.server_everything_sse, LEGACY, "everything"),
        # Modern clients in front of servers that are legacy, or are held to be.
        Leg("everything-stdio-translated", upstreams.server_everything_stdio, MODERN),
        Leg("everything-http-translated", upstreams.server_everything, MODERN),
        Leg("everything-sse-translated", upstreams.server_everything_sse, MODERN),
        Leg("python-stdio-as-legacy", upstreams.python_conformance_stdio, MODERN, keys={"era": "legacy"}),
        Leg("python-http-as-legacy", upstreams.python_conformance, MODERN, keys={"era": "legacy"}),
        Leg("fixture-legacy", upstreams.fixture("legacy"), MODERN),
        # Legacy clients in front of servers that are modern, or are held to be.
        Leg("fixture-modern", upstreams.fixture("modern"), LEGACY),
        Leg("python-stdio-as-modern", upstreams.python_conformance_stdio, LEGACY, keys={"era": "modern"}),
        Leg("python-http-as-modern", upstreams.python_conformance, LEGACY, keys={"era": "modern"}),
        # No translation: our own server over stdio, and one made with the Rust SDK.
        Leg("fixture-both", upstreams.fixture("both"), BOTH),
        Leg("rmcp", upstreams.rmcp, BOTH),
    )
}
# What runs when nothing is asked for.
USUAL_LEGS = ("python", "everything")
