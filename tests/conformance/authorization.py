"""The official suite's scenarios for authorization servers, which the gateway is to MCP clients.

Only the pre-release has them. They are two: the metadata document, and the grant of a code to a public client, which a person of ours
answers for. The suite's other scenarios on authorization (`auth/*`) are about clients: they bring an authorization server of their
own, and there is nothing of a gateway in them.
"""

import json
import pathlib
import re
import subprocess
import sys
import threading
import urllib.request

import floors
from suite import Checks, SuiteFailure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oauth"))

from client import register  # noqa: E402
from scene import Scene  # noqa: E402
from user import Person  # noqa: E402

from rig import packages, processes  # noqa: E402

REVISIONS = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
RUN_DEADLINE_S = 90
VISIT_DEADLINE_S = 20.0
ADDRESS = re.compile(r"^(https?://\S+)$")
# A result folder is `authorization-server-<scenario>-<time>`.
RESULT_FOLDER = re.compile(r"^authorization-server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z$")


def run(revision, issuer, client_id, resource, visit, folder):
    """Runs the scenarios of `revision` against `issuer`; `visit` is told where a person is sent, and says where they end."""
    entry = packages.conformance_suite("next")
    packages.require(packages.NODE_22, entry)
    folder.mkdir(parents=True, exist_ok=True)
    port = processes.free_port()
    command = [packages.NODE_22, entry, "authorization", "--url", issuer, "--client-id", client_id, "--resource", resource]
    command += ["--port", port, "--output-dir", folder, "--spec-version", revision]
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    timer = threading.Timer(RUN_DEADLINE_S, process.kill)
    timer.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if (address := ADDRESS.match(line.strip())) and "response_type=" in line:
                urllib.request.urlopen(visit(address[1]), timeout=VISIT_DEADLINE_S).close()
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        (folder / "output.txt").write_text("".join(lines))
    checks = read_checks(folder)
    if not checks.statuses:
        raise SuiteFailure(f"the suite ended with {process.returncode}: see {folder}/output.txt")
    return checks


def read_checks(folder):
    checks = Checks()
    for path in sorted(folder.glob("**/checks.json")):
        for check in json.loads(path.read_text()):
            checks.add(RESULT_FOLDER.match(path.parent.name)["scenario"], check)
    return checks


def compare(binary, folder, writes_floors):
    """Runs every revision against a gateway of its own; the exit code says whether one fell below its floor."""
    reached, findings = {}, []
    with Scene(binary, folder, server={}) as scene:
        status, client = register(scene, redirect_uris=["http://127.0.0.1/callback"])
        if status != 201:
            raise SuiteFailure(f"the gateway registers no client: {client}")
        for revision in REVISIONS:
            person = Person(scene.origins)
            checks = run(revision, scene.origin, client["client_id"], scene.url, person.go, folder / revision)
            name = f"authorization next {revision}"
            reached[name] = checks.summary()
            floor = floors.known().get(name)
            fell = floor is not None and floors.fell(floor, checks.summary())
            print(f"{name:35} {checks.summary():>8} {f'BELOW {floor}' if fell else 'ok'}", flush=True)
            findings += [f"failed: {name} {scenario} / {check}: {why}" for (scenario, check), why in checks.details.items()]
            findings += [f"lost: {name} is below {floor}"] if fell else []
    for finding in findings:
        print(finding)
    if writes_floors:
        floors.write(reached)
    return 1 if any(each.startswith("lost") for each in findings) else 0
