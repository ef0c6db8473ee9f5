"""What a run through a proxy lost against the direct run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """A check that succeeded more often, or failed less often, directly."""

    scenario: str
    check: str
    direct: str
    proxied: str
    reason: str

    def __str__(self):
        return f"{self.scenario} / {self.check}: direct {self.direct}, proxied {self.proxied}: {self.reason}"


def losses(direct, proxied, noted_only=()):
    """Every check with fewer successes or more failures than directly.

    The suite often drops a check where it could fail it, so the successes are counted, not the failures alone. Those of
    `noted_only` may be missing or noted, but not failed or warned of.
    """
    found = []
    for key in sorted(direct.statuses.keys() | proxied.statuses.keys()):
        before, after = direct.statuses[key], proxied.statuses[key]
        if after["SUCCESS"] >= before["SUCCESS"] and after["FAILURE"] <= before["FAILURE"]:
            continue
        if key[1] in noted_only and not after["FAILURE"] and not after["WARNING"]:
            continue
        reason = proxied.details.get(key, "check is missing")
        found.append(Loss(*key, written(before), written(after), reason[:400]))
    return found


def written(counts):
    return " ".join(f"{count}×{status}" for status, count in sorted(counts.items()) if count) or "absent"
