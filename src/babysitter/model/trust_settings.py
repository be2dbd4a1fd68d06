"""The settings about trust in processes, as ``babysitter.toml`` has them.

Reference: docs/reference/settings.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class TrustTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[trust]``: whose word lets a process run.

    reviewers: roles; none: everybody who may sign. quorum: how many of them, each with a signature.
    local: whether what one account said on its own machine is enough; ``auto``: unless reviewers are named.
    """

    reviewers: tuple[str, ...] = ()
    quorum: Annotated[int, Meta(ge=1, le=100)] = 1
    local: Literal["auto", "allow", "deny"] = "auto"

    @property
    def takes_local(self) -> bool:
        """Whether an unsigned word counts at all."""
        return self.local == "allow" or (self.local == "auto" and not self.reviewers)
