"""Which findings stand in the way of trust, and which of them a reviewer took by name and with a reason."""

from collections.abc import Mapping

from babysitter.model.errors import UntrustedProcessError, UsageError
from babysitter.model.findings import Finding, Scan
from babysitter.model.trust_statement import AcceptedFinding
from babysitter.service.process.closure import Sources

BANDIT = "bandit"
_WORST = ("critical", "high")


def taken(sources: Sources, scan: Scan, accept: Mapping[str, str]) -> tuple[AcceptedFinding, ...]:
    """Return the findings that are accepted, when nothing stands in the way of trust.

    Raises:
        UsageError: something is accepted that was not found, or without a reason.
        UntrustedProcessError: a finding stands in the way, or one of our own checks could not look.
    """
    _refuse_unlooked(sources, scan)
    unused = set(accept)
    accepted: list[AcceptedFinding] = []
    blocking: list[Finding] = []
    for finding in scan.findings:
        names = {finding.rule, f"{finding.tool}:{finding.rule}", finding.fingerprint}
        named = next((name for name in accept if name in names), None)
        if named is not None and finding.category != "credential":
            unused.discard(named)
            accepted.append(
                AcceptedFinding(
                    tool=finding.tool,
                    rule=finding.rule,
                    path=finding.path,
                    fingerprint=finding.fingerprint,
                    reason=accept[named],
                )
            )
        elif blocks(finding):
            blocking.append(finding)
    if blocking:
        raise _blocked(sources, blocking)
    if unused or not all(reason.strip() for reason in accept.values()):
        raise UsageError(
            f"--accept {', '.join(sorted(unused)) or 'has no reason'}: no such finding."
            if unused
            else "what is accepted needs a reason.",
            hint="Write --accept RULE=REASON; see: babysitter process review ENTRY",
        )
    return tuple(accepted)


def _refuse_unlooked(sources: Sources, scan: Scan) -> None:
    """Return when our own checks have looked; bandit may be left out, and the statement then says so."""
    failed = [run for run in scan.tools if run.tool != BANDIT and run.state != "passed"]
    if failed:
        raise UntrustedProcessError(
            f"{sources.named} can't be trusted unread: {failed[0].tool} could not look: {failed[0].why}",
            hint=failed[0].fix or "See: babysitter process review ENTRY",
            entry=sources.named,
            digest=sources.digest,
            reason="findings",
        )


def blocks(finding: Finding) -> bool:
    """Tell whether a finding stands in the way of trust: a credential, or one of high severity."""
    # Bandit guesses credentials by names of variables, at low severity; those are looked at as any other.
    return finding.severity in _WORST or (finding.category == "credential" and finding.tool != BANDIT)


def place_of(finding: Finding) -> str:
    """Return where a finding is, as ``file:line``."""
    return f"{finding.path}:{finding.span.line}" if finding.span else finding.path


def _blocked(sources: Sources, blocking: list[Finding]) -> UntrustedProcessError:
    listed = "\n".join(
        f"  {place_of(each)}  {each.tool}:{each.rule}  {each.message}" for each in blocking[:20]
    )
    more = f"\n  and {len(blocking) - 20} more" if len(blocking) > 20 else ""
    is_credential = any(each.category == "credential" for each in blocking)
    hint = (
        'Take the credential out of the code: secret("env:NAME"). What is none, allow by its fingerprint: '
        "[secrets] allow in babysitter.toml; see: babysitter process review ENTRY"
        if is_credential
        else "Mend them, or take one by name and with a reason: --accept RULE=REASON"
    )
    return UntrustedProcessError(
        f"{sources.named} can't be trusted as it is:\n{listed}{more}",
        hint=hint,
        entry=sources.named,
        digest=sources.digest,
        reason="findings",
        findings=tuple(blocking),
    )
