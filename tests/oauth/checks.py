"""Properties of one scene: registered by a decorator, run one by one, each said in a line."""

import traceback


class Checks:
    """A list of properties; each is a function of the scene."""

    def __init__(self):
        self._functions = []

    def __call__(self, function):
        self._functions.append(function)
        return function

    def run(self, scene, only=None):
        """Whether all hold whose name contains `only`."""
        chosen = [each for each in self._functions if not only or only in each.__name__]
        outcomes = [check(function, scene) for function in chosen]
        print(f"{outcomes.count(True)} passed, {outcomes.count(False)} failed", flush=True)
        return all(outcomes)


def check(function, scene):
    try:
        function(scene)
    except Exception as failure:
        own = [frame for frame in traceback.extract_tb(failure.__traceback__) if "/tests/oauth/" in frame.filename]
        line = f" at {own[-1].line}" if own else ""
        print(f"FAIL {function.__name__}: {type(failure).__name__}: {str(failure)[:900]}{line}", flush=True)
        return False
    print(f"ok   {function.__name__}", flush=True)
    return True
