"""What the clients saw: how often each thing ended how, and everything that must never happen."""

import collections
import re

# Every text that a client sends holds one of these, and none holds another's.
NONCE = re.compile(rb"soak-(\d\d-\d{6})-\d{4}")
WRONG_MAX = 50
ERRORS_MAX = 40
# Outcomes of what wants no answer.
UNANSWERED = ("left", "cancelled", "hidden", "none")


class Ledger:
    """Counts outcomes and keeps what is wrong."""

    def __init__(self):
        self.outcomes = collections.Counter()
        self.wrong = []
        self.wrong_count = 0
        self.nonces_seen = 0
        self.errors = {}

    def count(self, kind, what, outcome):
        self.outcomes[kind, what, outcome] += 1

    def accuse(self, who, what):
        self.wrong_count += 1
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{who}: {what}")

    def remark(self, who, error):
        """Keeps one example of each error that a call ended with."""
        self.errors.setdefault((who, error.get("code"), error.get("message")), error)

    def inspect(self, owner, who, received):
        """Looks for what belongs to a session other than `owner` in bytes that it received."""
        for nonce in NONCE.finditer(received):
            self.nonces_seen += 1
            if nonce[1] != owner:
                self.accuse(who, f"FOREIGN nonce {nonce[0].decode()} in {received[:300]!r}")
                return

    def right_share(self):
        """Share of answers among what asked for one and was not meant to break."""
        asked = {key: count for key, count in self.outcomes.items() if key[1] != "crash" and key[2] not in UNANSWERED}
        right = sum(count for (_, _, outcome), count in asked.items() if outcome == "ok")
        return right / max(1, sum(asked.values()))

    def table(self):
        """One line for each kind of session and each thing that it does."""
        ended = collections.defaultdict(list)
        for (kind, what, outcome), count in sorted(self.outcomes.items()):
            ended[kind, what].append(f"{outcome} {count}")
        for (kind, what), outcomes in ended.items():
            yield f"{kind:20}{what:12}{', '.join(outcomes)}"
        for who, code, message in list(self.errors)[:ERRORS_MAX]:
            yield f"{who:20}error {code}: {message}"
