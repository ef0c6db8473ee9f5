"""The table of a run: what each suite reached, and what was lost."""

import subprocess

import floors
import suite
from compare import losses
from servers import BASELINES
from suite import Checks, SuiteFailure

REASON_CHARS_MAX = 300


class Comparison:
    """Collects the rows of the table and the losses below it."""

    def __init__(self, folder, *, writes_floors=False):
        self.folder = folder
        self.losses = []
        self.findings = []
        self._writes_floors = writes_floors
        self._floors = floors.known()
        self._reached = {}
        self._direct = {}

    def hold_against(self, reference, name, chosen, direct, proxied, noted_only=()):
        """Runs every suite of `chosen` against `direct` and each of `proxied`: no check may be lost."""
        for each in chosen:
            before = self._directly(reference, each, direct)
            row = [f"{name:16} {each!s:18} {direct.name} {before.summary():>8}"]
            for target in proxied:
                after = self._checks(name, each, target)
                judged = lambda checks: losses(before, checks, noted_only)  # noqa: B023, E731
                lost = self._steady(name, each, target, judged, judged(after))
                self.losses += [(name, each, target, loss) for loss in lost]
                row.append(f"{target.name} {after.summary():>8} {'ok' if not lost else f'{len(lost)} LOST'}")
            print(" | ".join(row), flush=True)

    def hold_against_floor(self, name, chosen, target):
        """Runs every suite of `chosen` against `target`: the numbers may not fall."""
        for each in chosen:
            checks = self._checks(name, each, target)
            floor = self._floors.get(f"{name} {each}")
            fell = floor is not None and floors.fell(floor, checks.summary())
            if fell:
                # A busy machine is enough to miss what waits for real time.
                checks = self._checks(name, each, target, "-again")
                fell = floors.fell(floor, checks.summary())
            self._reached[f"{name} {each}"] = checks.summary()
            verdict = f"BELOW {floor}" if fell else "ok"
            print(f"{name:28} {each!s:18} {checks.summary():>8} {verdict}", flush=True)
            if fell:
                self.losses.append((name, each, target, f"{checks.summary()} is below {floor}"))
            if fell or self._writes_floors:
                self.findings += failures(name, each, checks)

    def report(self):
        for finding in self.findings:
            print(finding)
        legs_of = {}
        for name, each, target, loss in self.losses:
            what = getattr(loss, "check", loss)
            key = (name, getattr(loss, "scenario", ""), what)
            legs_of.setdefault(key, (loss, []))[1].append(f"{each} {target.name}")
        for (name, _, _), (loss, legs) in legs_of.items():
            print(f"lost: {name} {loss} [{', '.join(legs)}]")
        print(f"conformance: {len(self.losses)} checks lost")
        if self._writes_floors:
            floors.write(self._reached)
        return 1 if self.losses else 0

    def _directly(self, reference, each, direct):
        """The checks of the reference, which several legs share."""
        if (reference, each) not in self._direct:
            self._direct[reference, each] = self._checks(reference, each, direct)
            self._compare_with_baseline(reference, each, self._direct[reference, each])
        return self._direct[reference, each]

    def _steady(self, name, each, target, judged, lost):
        """Those of `lost` that a second run loses too.

        Some scenarios wait for real time, and a busy machine is enough to miss it. What the second run does not lose is
        printed all the same: a gateway that fails now and then shows there.
        """
        if not lost:
            return []
        again = judged(self._checks(name, each, target, "-again"))
        still = {(loss.scenario, loss.check) for loss in again}
        steady = [loss for loss in lost if (loss.scenario, loss.check) in still]
        self.findings += [f"unsteady: {name} {each} {target.name}: {loss}" for loss in lost if loss not in steady]
        return steady

    def _checks(self, name, each, target, suffix=""):
        folder = self.folder / f"{name}-{each.release}-{each.revision or 'all'}-{target.name}{suffix}"
        try:
            return suite.run(each, target, folder)
        except (SuiteFailure, subprocess.TimeoutExpired) as failure:
            # A crash or a hang of the suite is a loss of everything.
            print(f"{name} {each} {target.name}: {failure}", flush=True)
            return Checks()

    def _compare_with_baseline(self, reference, each, checks):
        expected = BASELINES.get(reference, {}).get(each)
        if expected is not None and checks.summary() != expected:
            self.findings.append(f"baseline: {reference} {each}: {checks.summary()} directly, {expected} is known")


def failures(name, each, checks):
    """One line for each check that failed, with the suite's reason."""
    return [
        f"failed: {name} {each} {scenario} / {check}: {str(checks.details.get((scenario, check)))[:REASON_CHARS_MAX]}"
        for (scenario, check), counts in sorted(checks.statuses.items())
        if counts["FAILURE"]
    ]
