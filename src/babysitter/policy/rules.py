"""The rules in force, as data with a digest.

Without rules of a team's own there is one: what touches production, or is
critical, needs one person's approval. Reference: docs/reference/approvals.md.
"""

from msgspec import Struct, to_builtins

from babysitter.model.effects import TaskSpec
from babysitter.model.values import canonical_json, sha256_hex

ANYBODY = "*"


class Rule(Struct, frozen=True, kw_only=True):
    """Who may approve what. ``eligible``: people, or ``*`` for whoever can answer at all."""

    id: str
    quorum: int = 1
    eligible: tuple[str, ...] = (ANYBODY,)


class Policy(Struct, frozen=True, kw_only=True):
    """The rules of a workspace.

    guarded: the rule for what touches production or is critical.
    asked: the rule for a question that an author's process asks about anything else.
    """

    guarded: Rule = Rule(id="default-guarded")
    asked: Rule = Rule(id="default-asked")

    def digest(self) -> str:
        """Return the SHA-256 of the rules in canonical form: what RUN_CREATED and each approval commit to."""
        return sha256_hex(canonical_json(to_builtins(self)))


def is_guarded(spec: TaskSpec) -> bool:
    """Tell whether a task may not start without an approval."""
    return spec.critical or spec.environment == "production"
