"""The figures to reach, and what became of each.

A figure is a ratio of two things measured in one run, or a time. Its goal is
part of it: a change of a goal is a change of this file, in the same commit as
its reason. docs/explanation/performance.md says what each means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["ok", "missed", "invalid: not a disk", "unsteady", "failed"]
"""``unsteady``: the disk changed so much during a comparison that neither ok nor missed is known."""

STEADY_FACTOR_MAX = 1.5
"""Bare loops before and after a round may differ by this factor; a shared disk was seen to change by 15."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure must reach.

    ``says`` is how a report names it; ``unit`` follows the value (ratios have none).
    """

    says: str
    relation: Literal[">=", "<=", ">", "=="]
    bound: float
    unit: str = ""
    needs_a_disk: bool = False

    def is_met_by(self, value: float) -> bool:
        """True when the value reaches the goal."""
        return {
            ">=": value >= self.bound,
            "<=": value <= self.bound,
            ">": value > self.bound,
            "==": value == self.bound,
        }[self.relation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report.

    ``parts``: what was measured, by name with its unit; ``why``: what went wrong.
    """

    name: str
    goal: Goal
    verdict: Verdict
    value: float | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the figure as one JSON object."""
        return {
            "name": self.name,
            "says": self.goal.says,
            "goal": f"{self.goal.relation} {self.goal.bound:g}{self.goal.unit}",
            "value": self.value,
            "verdict": self.verdict,
            "parts": dict(self.parts),
            **({"why": self.why} if self.why else {}),
        }


GOALS: dict[str, Goal] = {
    "sequential": Goal(
        says="1,000 sequential inline steps, each durable before the next: share of the disk limit",
        relation=">=", bound=0.75, needs_a_disk=True,
    ),
    "growth": Goal(says="step 10,000 costs this many times step 100", relation="<=", bound=1.2),
    "memory": Goal(says="peak memory of 10,000 steps over that of 100 steps", relation="<=", bound=1.3),
    "runs": Goal(
        says="1,000 runs of 10 inline steps driven together: share of a bare loop over 1,000 files",
        relation=">=", bound=0.6, needs_a_disk=True,
    ),
    "fan-out": Goal(says="fan-out of 1,000 inline steps: times the sequential rate", relation=">=", bound=3),
    "shell": Goal(
        says="sandboxed shell step: times a bare bwrap of the same command plus one sync",
        relation="<=", bound=2, needs_a_disk=True,
    ),
    "resume": Goal(
        says="resume of 10,000 events: to the first new step", relation="<=", bound=0.3, unit=" s",
    ),
    "replay": Goal(says="replay", relation=">=", bound=50_000, unit=" events/s"),
    "version": Goal(
        says="babysitter --version: share of 1.8 times python -c pass plus 20 ms", relation="<=", bound=1,
    ),
    "status": Goal(says="run status on 1,000 events", relation="<=", bound=120, unit=" ms"),
    "sandbox": Goal(says="sandboxed true: times a bare bwrap true", relation="<=", bound=3),
    "egress-start": Goal(
        says="sandboxed true that may reach one host: times one that may reach none", relation="<=", bound=4,
    ),
    "egress-speed": Goal(
        says="bytes a second through the proxy: share of those without it", relation=">=", bound=0.2,
    ),
    "decision": Goal(says="a decision about a vote, warm, ten rules", relation="<=", bound=150, unit=" µs"),
    "sign": Goal(says="an answer signed, ssh-keygen included", relation="<=", bound=30, unit=" ms"),
    "verify": Goal(says="a signed answer verified by us", relation="<=", bound=1, unit=" ms"),
    "chain": Goal(says="journal verify --chain", relation=">=", bound=300_000, unit=" events/s"),
    "full": Goal(says="journal verify of one run, in full", relation=">=", bound=100_000, unit=" events/s"),
    "audit": Goal(
        says="journal verify --all: 1,000 runs of 100 events, and the log", relation="<=", bound=3, unit=" s",
    ),
    "log": Goal(says="a run of 1,000 steps with the log: times one without", relation="<=", bound=1.02),
    "screened": Goal(
        says="events of 1.4 KB masked with 50 secrets and searched with all rules, CPU time",
        relation=">=", bound=20_000, unit=" events/s",
    ),
    "screened-p50": Goal(says="one such event, half of them", relation="<=", bound=60, unit=" µs"),
    "screened-p99": Goal(says="one such event, 99 of 100", relation="<=", bound=300, unit=" µs"),
    "scanned": Goal(says="Python's own library searched, CPU time", relation=">=", bound=50, unit=" MB/s"),
    "false-alarms": Goal(says="findings in Python's own library", relation="<=", bound=5, unit=" per MB"),
    "covered": Goal(says="labelled secrets covered raw and as JSON in JSON", relation=">=", bound=0.85),
    "flagged": Goal(says="labelled non-secrets flagged", relation="<=", bound=0.15),
    "disguises": Goal(
        says="an awkward secret written in 45 ways: how many reach no disk", relation=">=", bound=39,
    ),
    "masking": Goal(
        says="an event of 1.4 KB searched for 50 secrets, nothing found: CPU",
        relation="<=", bound=15, unit=" µs",
    ),
    "served-status": Goal(
        says="200 runs advance, 50 watch: GET status, 99 of 100", relation="<=", bound=50, unit=" ms",
    ),
    "served-approval": Goal(
        says="from an approval to a watcher who sees what the run did then, 99 of 100",
        relation="<=", bound=150, unit=" ms",
    ),
    "served-waiting": Goal(
        says="memory of one run that waits, of 2,000", relation="<=", bound=5, unit=" KB",
    ),
    "served-start": Goal(
        says="a server starts over 10,000 runs and knows them all", relation="<=", bound=3, unit=" s",
    ),
    "served-steady": Goal(
        says="runs come and go for ten minutes: memory of the last quarter over that of the second",
        relation="<=", bound=1.05,
    ),
    "kill": Goal(
        says="kill -9 at random moments of 50-step runs: lost acknowledgements, silent repeats, bad journals",
        relation="==", bound=0,
    ),
}  # fmt: skip


def peer_goal(peer: str, workload: str) -> Goal:
    """Return the goal of a comparison: ahead, by whatever is left."""
    return Goal(says=f"ours over {peer}: {workload}", relation=">", bound=1, needs_a_disk=True)


def is_steady(bare_per_s: Sequence[float]) -> bool:
    """True when the disk was the same to all of what was compared."""
    return max(bare_per_s) <= STEADY_FACTOR_MAX * min(bare_per_s)


def judge(name: str, value: float, parts: Mapping[str, Any]) -> Figure:
    """Return the figure of a value in which the disk has no part; where it has one, see rounds.figure_of."""
    goal = GOALS[name]
    return Figure(
        name=name, goal=goal, verdict="ok" if goal.is_met_by(value) else "missed", value=value, parts=parts
    )


def failed(name: str, goal: Goal, why: str) -> Figure:
    """Return the figure of a measurement that did not come about."""
    return Figure(name=name, goal=goal, verdict="failed", why=why)
