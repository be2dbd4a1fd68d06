"""The settings about ``doctor``, as ``babysitter.toml`` has them.

Reference: docs/reference/doctor.md.
"""

from typing import Annotated

from msgspec import Meta, Struct


class AcceptedTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[doctor.accept]]``: what a check finds here is known and wanted.

    check: its id. reason: shown to everybody who asks.
    until: the last day, as ``2026-12-31``; empty: for good.
    """

    check: str
    reason: Annotated[str, Meta(min_length=1)]
    until: Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""


class DoctorTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[doctor]``."""

    accept: tuple[AcceptedTable, ...] = ()
