"""What people have answered before: the history that a rule of the settings may build on."""

from babysitter.journal.reader import Store
from babysitter.model import events as ev
from babysitter.model.ids import slug
from babysitter.service.reading import read_records_of_all

BY_PEOPLE = frozenset({"ssh", "passkey", "token", "local"})


def consecutive_approvals(store: Store, process_id: str, asked: ev.BreakpointRequested) -> int:
    """Return how many of the newest answers in a row to this question, by people, were approvals.

    The same question: of a run of the same process, with the same title.
    """
    answers: list[tuple[str, str]] = []
    for created, records in read_records_of_all(store):
        if created.process_id != process_id:
            continue
        same: set[str] = set()
        for record in records:
            event = record.event()
            if isinstance(event, ev.BreakpointRequested) and slug(event.title) == slug(asked.title):
                same.add(event.breakpoint_id)
            elif (
                isinstance(event, ev.BreakpointResponded)
                and event.breakpoint_id in same
                and event.method in BY_PEOPLE
                and event.decision != "defer"
            ):
                answers.append((record.recorded_at, event.decision))
    count = 0
    for _, decision in sorted(answers, reverse=True):
        if decision != "approve":
            break
        count += 1
    return count
