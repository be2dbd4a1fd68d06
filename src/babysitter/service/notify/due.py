"""Which notices a run calls for: by its journal, the rules, the channels and the time. Pure.

A notice's id derives from the line that it is about, its kind and its channel. So what is owed is found
again from the journals alone, under the same ids, whatever was killed when.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from babysitter.model import events as ev
from babysitter.model.clock import parse_time
from babysitter.model.notify_settings import PENDING, ChannelTable, NoticeKind, NotifyTable
from babysitter.model.rules import ANYBODY, Policy, duration_s
from babysitter.policy.people import Identities
from babysitter.service.notify.story import Asked, Fact, Story

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to be told on one channel.

    id: the same whenever it is found again; receivers drop doubles by it.
    due_ns: from when on it is to be told. people: whom it is for; ``*``: whoever can answer.
    """

    id: str
    kind: NoticeKind
    channel: str
    fact: Fact
    due_ns: int
    people: tuple[str, ...]

    @property
    def breakpoint_id(self) -> str:
        """The question that it is about; empty when it is about the run."""
        return self.fact.asked.requested.breakpoint_id if self.fact.asked is not None else ""

    def is_moot(self, now_ns: int) -> bool:
        """Tell whether it asks for something that nobody can do any more."""
        asked = self.fact.asked
        if self.kind not in PENDING or asked is None:
            return False
        expires_at = asked.requested.expires_at
        return bool(asked.decided) or (expires_at is not None and parse_time(expires_at) <= now_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    kind: NoticeKind
    due_ns: int
    people: tuple[str, ...]


def notices(story: Story, settings: NotifyTable, policy: Policy) -> Iterator[Notice]:
    """Yield everything that a run calls for so far, what is due later included."""
    for fact in story.facts:
        for moment in _moments(fact, story, settings, policy):
            for channel in settings.channels:
                if moment.kind in channel.events and _reaches(channel, moment.people, policy):
                    yield Notice(
                        id=_identity(story.run_id, fact, moment.kind, channel.name),
                        kind=moment.kind,
                        channel=channel.name,
                        fact=fact,
                        due_ns=moment.due_ns,
                        people=moment.people,
                    )


def _identity(run_id: str, fact: Fact, kind: NoticeKind, channel: str) -> str:
    parts = f"{run_id}\n{fact.seq}\n{fact.line}\n{kind}\n{channel}"
    return f"msg_{hashlib.sha256(parts.encode()).hexdigest()[:32]}"


def _moments(fact: Fact, story: Story, settings: NotifyTable, policy: Policy) -> Iterator[_Moment]:
    asked = fact.asked
    if asked is None:
        assert story.created is not None, "a run begins with RUN_CREATED"
        yield _Moment(kind=fact.kind, due_ns=fact.at_ns, people=(story.created.requested_by,))
        return
    told = asked.requested.notify
    if isinstance(fact.event, ev.BreakpointReassigned):
        yield _Moment(kind=fact.kind, due_ns=fact.at_ns, people=fact.event.to)
    elif fact.kind != "breakpoint.requested":
        everybody = (*(asked.to or asked.requested.eligible), *told)
        yield _Moment(kind=fact.kind, due_ns=fact.at_ns, people=everybody)
    else:
        delay_ns = round(settings.delay_s * _SECOND_NS)
        people = (*asked.requested.eligible, *told)
        yield _Moment(kind=fact.kind, due_ns=fact.at_ns + delay_ns, people=people)
        yield from _later(asked, settings, policy)


def _later(asked: Asked, settings: NotifyTable, policy: Policy) -> Iterator[_Moment]:
    """Yield what an open question calls for as time passes."""
    people = (*asked.people, *asked.requested.notify)
    rule = policy.rule_named(asked.requested.rule)
    if rule is not None and rule.remind_after is not None:
        due_ns = asked.at_ns + _ns(rule.remind_after)
        yield _Moment(kind="breakpoint.reminder", due_ns=due_ns, people=people)
    if rule is not None and rule.escalate_after is not None:
        due_ns = asked.at_ns + _ns(rule.escalate_after)
        yield _Moment(kind="breakpoint.escalated", due_ns=due_ns, people=rule.escalate_to)
    if asked.requested.expires_at is not None:
        due_ns = parse_time(asked.requested.expires_at) - _ns(settings.expiring)
        # One that stands for less than that is said to expire when it is asked.
        if due_ns > asked.at_ns:
            yield _Moment(kind="breakpoint.expiring", due_ns=due_ns, people=people)


def _ns(duration: str) -> int:
    return round((duration_s(duration) or 0) * _SECOND_NS)


def _reaches(channel: ChannelTable, people: tuple[str, ...], policy: Policy) -> bool:
    """Tell whether a channel is one for these people; one that names nobody is for everybody."""
    if not channel.to or ANYBODY in people:
        return True
    identities = Identities(policy)
    return bool(_persons(channel.to, policy, identities) & _persons(people, policy, identities))


def _persons(names: tuple[str, ...], policy: Policy, identities: Identities) -> set[str]:
    return {identities.person(name) for each in names for name in policy.roles.get(each, (each,))}
