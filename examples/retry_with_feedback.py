"""A plan that is asked about again and again, each time heeding why the last one was rejected.

    babysitter start examples/retry_with_feedback.py --input goal=launch
    babysitter reject RUN --comment "Name the rollback."
    babysitter resume RUN

Each round is in the journal: what was shown, who said no, why, and what changed. The loop is bounded, so a
disagreement ends with an answer. How it works: docs/how-to/retry-with-feedback.md.
"""

from dataclasses import dataclass

from msgspec import Struct

from babysitter import Context, process, task

ROUNDS_MAX = 5


class PlanInputs(Struct, frozen=True):
    """What the plan is for."""

    goal: str


@dataclass(frozen=True)
class Planned:
    """The plan that was approved; without one, ``plan`` is None and ``why`` is the last objection."""

    rounds: int
    plan: str | None
    why: str = ""


@task
def write_plan(goal: str, feedback: list[str]) -> str:
    """Write a plan that heeds every objection so far. A real one would ask a model."""
    return f"# Plan for {goal}\n\n- do it\n" + "".join(f"- heeds: {text}\n" for text in feedback)


@process
async def plan(inputs: PlanInputs, ctx: Context) -> Planned:
    """Write a plan, ask, and write it anew for every no."""
    feedback: list[str] = []
    for version in range(1, ROUNDS_MAX + 1):
        text = await ctx.task(write_plan, inputs.goal, feedback)
        shown = f"plan-{version}.md"
        await ctx.artifact(shown, text)
        review = await ctx.breakpoint(
            question=f"Is version {version} of the plan good?",
            title="Plan",
            context={"version": version, "heeds": feedback},
            files=[f"artifacts/{shown}"],
        )
        if review.approved:
            return Planned(rounds=version, plan=text)
        feedback.append(review.feedback)
    return Planned(rounds=ROUNDS_MAX, plan=None, why=feedback[-1])
