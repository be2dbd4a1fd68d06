"""Every check, in the order of the promises. Reference: docs/reference/doctor.md."""

from babysitter.service.doctor import confinement, permissions, version_control
from babysitter.service.doctor.check import Check

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (*version_control.CHECKS, *permissions.CHECKS, *confinement.CHECKS),
        key=lambda check: check.promise,
    )
)


def chosen(only: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the checks that are asked for: by id, by its beginning (``D03``), or by promise (``G03``)."""
    if not only:
        return CHECKS
    return tuple(
        check for check in CHECKS if any(check.id.startswith(word) or check.promise == word for word in only)
    )
