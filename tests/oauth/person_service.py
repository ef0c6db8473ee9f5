"""A person that SDK clients can send to a URL, whatever language they are written in."""

from local import Server
from user import Person


class PersonService(Server):
    """POST `/visit` with {"url", "account", "decision", "browser"} and get {"ended", "asked", "text"}.

    Whoever gives the same `browser` comes with the cookies of the last visit.
    """

    def __init__(self, origins):
        super().__init__(self._answer)
        self._origins = origins
        self._people = {}

    def _answer(self, request):
        told = request.json
        name = told.get("browser", "one")
        person = self._people.setdefault(name, Person(self._origins))
        person.account = told.get("account", "ada")
        person.decision = told.get("decision", "allow")
        person.asked = []
        try:
            ended = person.go(told["url"])
        except (AssertionError, OSError) as failure:
            return 200, {}, {"ended": None, "text": repr(failure)}
        if isinstance(ended, str):
            return 200, {}, {"ended": ended, "asked": len(person.asked)}
        return 200, {}, {"ended": None, "asked": len(person.asked), "status": ended.status, "text": ended.text}
