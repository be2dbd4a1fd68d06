"""The process behind a question that a program posts: it asks people, and ends with what they said.

It is this product's own, ``babysitter:ask``, and nobody needs to trust it. A question that waits does not
go on under another digest of this file, so a test holds the digest: change nothing here lightly.
"""

from typing import Any

from msgspec import Struct

from babysitter.authoring.context import Context
from babysitter.authoring.process import process


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is asked. ``context``: shown, and what rules decide by."""

    question: str
    title: str = ""
    context: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    expires_in_s: float | None = None


class Said(Struct, frozen=True, kw_only=True, rename="camel"):
    """What people said."""

    approved: bool
    feedback: str
    responded_by: tuple[str, ...]


@process(id="babysitter-ask")
async def ask(inputs: Question, ctx: Context) -> Said:
    """Ask, and do nothing else."""
    review = await ctx.breakpoint(
        inputs.question,
        inputs.title,
        context=inputs.context,
        tags=inputs.tags,
        expires_in=inputs.expires_in_s,
    )
    return Said(approved=review.approved, feedback=review.feedback, responded_by=review.responded_by)
