"""An audit of who might sign: changes that too few agreed to, and emergencies that nobody really reviewed."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.log.leaves import (
    Approval,
    BreakGlassReviewed,
    Leaf,
    PolicyChanged,
    RunOpened,
    SignedBy,
    SignersChanged,
)
from babysitter.model.evidence_settings import SignersChangeTable, SigningTable
from babysitter.model.rules import Policy
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.audit_findings import Findings
from babysitter.service.audit_folder import AuditFolder
from babysitter.service.audit_log import LogFacts, LoggedRun
from babysitter.service.audit_policies import KeptRules
from babysitter.service.audit_signers import KnownSigners
from babysitter.service.policing import REVIEW_NAMESPACE, REVIEW_TYPE
from babysitter.service.signers_in_force import SIGNERS_NAMESPACE, change_text
from tests.unit.service.signing import ALICE, BOB, CAROL, EVE, KEYS, SIGNERS, emergency, policy_of, rule
from tests.unit.signing.software_keys import SoftwareKey, ed25519_key

pytestmark = pytest.mark.promise("G25")
CHANGES = SignersChangeTable(roles=("managers",), quorum=2)
TWO_AGREE = policy_of(rule(break_glass=emergency()), signing=SigningTable(changes=CHANGES))
OLD, NEW = SIGNERS.encode(), SIGNERS.encode() + b"# new\n"
GATE = "3-gate"


class Log:
    """The log's folder of a test, and what was read of it."""

    def __init__(self, folder: Path, policy: Policy = TWO_AGREE) -> None:
        self.folder = folder
        self.facts = LogFacts()
        self.findings = Findings()
        self.tell(PolicyChanged(policy_sha256=policy.digest(), by="root"))
        self.keep("policies", canonical_json(policy.document()), ".json")
        self.tell(SignersChanged(signers_sha256=self.keep("signers", OLD), by="root"))

    def keep(self, kind: str, data: bytes, suffix: str = "", name: str = "") -> str:
        path = self.folder / kind / f"{name or sha256_hex(data)}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return sha256_hex(data)

    def tell(self, leaf: Leaf) -> None:
        index = len(self.facts.leaves)
        self.facts.leaves.append(leaf)
        self.facts.times_ns.append(1_790_000_000_000_000_000 + index)
        if isinstance(leaf, PolicyChanged):
            self.facts.policies.append((index, leaf))
        elif isinstance(leaf, SignersChanged):
            self.facts.signers.append((index, leaf))
        elif isinstance(leaf, Approval | BreakGlassReviewed):
            self.facts.emergencies.append((index, leaf))

    def codes(self, rule_id: str = "production") -> list[str]:
        """Check it, and return what was found; every question was asked under that rule."""
        files = AuditFolder(self.folder)
        rules = KeptRules(folder=files, facts=self.facts, findings=self.findings)
        known = KnownSigners(folder=files, facts=self.facts, findings=self.findings, rules=rules)
        known.check_changes()
        known.check_emergencies({(run_id, GATE): rule_id for run_id in self.facts.runs})
        return [found.code for found in self.findings.found]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


# ---------------------------------------------------------------- changes of the files of signers


def changed(log: Log, *people: str, keys: dict[str, SoftwareKey] = KEYS, text: bytes = b"") -> SignersChanged:
    """Have people agree to the new file, and keep what they signed."""
    signed = []
    for person in people:
        made = keys[person].signature(text or change_text(NEW, b""), namespace=SIGNERS_NAMESPACE)
        signed.append(SignedBy(approver=person, signature_sha256=log.keep("signers", made.encode())))
    leaf = SignersChanged(signers_sha256=log.keep("signers", NEW), by="root", signed_by=tuple(signed))
    log.tell(leaf)
    return leaf


def test_a_change_that_enough_people_agreed_to_is_one(log: Log) -> None:
    changed(log, ALICE, BOB)

    assert log.codes() == []


@pytest.mark.parametrize(
    ("people", "more"),
    [
        ((), {}),
        ((ALICE,), {}),
        ((ALICE, ALICE), {}),
        ((ALICE, CAROL), {}),
        ((ALICE, BOB), {"text": change_text(OLD, b"")}),
        ((ALICE, BOB), {"keys": {ALICE: KEYS[ALICE], BOB: ed25519_key()}}),
    ],
    ids=["nobody", "one", "one twice", "one of nobody's", "another change", "a key of no one"],
)
def test_a_change_that_fewer_agreed_to_is_found(
    log: Log, people: tuple[str, ...], more: dict[str, Any]
) -> None:
    changed(log, *people, **more)

    assert log.codes() == ["signers.unsigned"]


def test_a_change_whose_signatures_are_gone_is_found(log: Log) -> None:
    leaf = changed(log, ALICE, BOB)
    (log.folder / "signers" / leaf.signed_by[0].signature_sha256).unlink()

    assert log.codes() == ["signers.unsigned"]


def test_keys_of_the_new_file_do_not_vouch_for_it(tmp_path: Path) -> None:
    log, stranger = Log(tmp_path), ed25519_key()
    new = f"{BOB} {stranger.line}\n{SIGNERS}".encode()
    made = [
        key.signature(change_text(new, b""), namespace=SIGNERS_NAMESPACE) for key in (KEYS[ALICE], stranger)
    ]
    signed = [
        SignedBy(approver=person, signature_sha256=log.keep("signers", each.encode()))
        for person, each in zip((ALICE, BOB), made, strict=True)
    ]
    log.tell(SignersChanged(signers_sha256=log.keep("signers", new), by="root", signed_by=tuple(signed)))

    assert log.codes() == ["signers.unsigned"]


def test_where_the_rules_of_then_ask_for_no_signatures_none_are_missed(tmp_path: Path) -> None:
    log = Log(tmp_path, policy_of(rule()))
    changed(log)

    assert log.codes() == []


def test_a_change_of_a_file_that_is_gone_is_told_of_and_not_believed(log: Log) -> None:
    leaf = changed(log, ALICE, BOB)
    (log.folder / "signers" / leaf.signers_sha256).unlink()

    assert log.codes() == ["signature.signers", "signers.unsigned"]


# ---------------------------------------------------------------- emergencies


def broken(log: Log, run_id: str, breakpoint_id: str = GATE) -> Approval:
    leaf = Approval(
        run_id=run_id,
        breakpoint_id=breakpoint_id,
        seq=6,
        prefix="0" * 64,
        line_sha256="0" * 64,
        approver=CAROL,
        decision="approve",
        method="ssh",
        statement_sha256="1" * 64,
        break_glass=True,
    )
    opened = RunOpened(
        run_id=run_id,
        process_id="p",
        process_digest="0" * 64,
        requested_by=EVE,
        policy_sha256=TWO_AGREE.digest(),
        first_line_sha256="0" * 64,
        run_key="",
    )
    log.facts.runs[run_id] = LoggedRun(opened=opened)
    log.tell(leaf)
    return leaf


def reviewed(
    log: Log, leaf: Approval, reviewer: str = BOB, key: SoftwareKey | None = None, **said: Any
) -> BreakGlassReviewed:
    statement = canonical_json(
        {
            "type": REVIEW_TYPE,
            "runId": leaf.run_id,
            "breakpointId": leaf.breakpoint_id,
            "approvalSha256": leaf.statement_sha256,
            "brokenBy": leaf.approver,
            "reviewer": reviewer,
            **said,
        }
    )
    signature = (key or KEYS[reviewer]).signature(statement, namespace=REVIEW_NAMESPACE).encode()
    digest = log.keep("reviews", statement, ".json")
    made = BreakGlassReviewed(
        run_id=leaf.run_id,
        breakpoint_id=leaf.breakpoint_id,
        reviewer=reviewer,
        statement_sha256=digest,
        signature_sha256=log.keep("reviews", signature, ".json.sig", digest),
    )
    log.tell(made)
    return made


def test_an_emergency_and_its_review_and_the_next_one_are_in_order(log: Log) -> None:
    reviewed(log, broken(log, "r"))
    broken(log, "s")

    assert log.codes() == []
    assert [text for text in log.findings.unproven if "Nobody has reviewed" in text] == [
        f"Nobody has reviewed the emergency of s/{GATE} yet."
    ]


def test_the_next_emergency_before_the_review_is_found(log: Log) -> None:
    leaf = broken(log, "r")
    broken(log, "s")
    reviewed(log, leaf)

    assert log.codes() == ["break-glass.unreviewed"]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"reviewer": CAROL}, "do not name carol"),
        ({"reviewer": EVE}, "do not name eve"),
        ({"key": ed25519_key()}, "does not name"),
        ({"runId": "other"}, "about something else"),
        ({"approvalSha256": "2" * 64}, "about something else"),
        ({"type": "urn:other"}, "about something else"),
    ],
)
def test_a_review_that_is_none_is_found_and_opens_nothing(log: Log, how: dict[str, Any], why: str) -> None:
    reviewed(log, broken(log, "r"), **how)
    broken(log, "s")

    assert log.codes() == ["break-glass.review", "break-glass.unreviewed"]
    assert why in log.findings.found[0].text


def test_an_author_of_the_run_reviews_nothing(log: Log) -> None:
    leaf = broken(log, "r")
    opened = log.facts.runs["r"].opened
    assert opened is not None
    log.facts.runs["r"].opened = replace(opened, authors=(BOB,))
    reviewed(log, leaf)

    assert log.codes() == ["break-glass.review"]
    assert "author of the run" in log.findings.found[0].text


def test_a_review_of_what_nobody_broke_is_found(log: Log) -> None:
    leaf = broken(log, "r")
    reviewed(log, leaf)
    reviewed(log, leaf)

    assert log.codes() == ["break-glass.review"]


@pytest.mark.parametrize("suffix", [".json", ".json.sig"])
@pytest.mark.parametrize("change", ["gone", "edited"])
def test_a_review_whose_files_are_not_what_the_log_says_is_none(log: Log, suffix: str, change: str) -> None:
    made = reviewed(log, broken(log, "r"))
    path = log.folder / "reviews" / f"{made.statement_sha256}{suffix}"
    path.unlink() if change == "gone" else path.write_bytes(path.read_bytes() + b"\n")

    assert log.codes() == ["break-glass.review"]


def test_a_reviewer_of_another_rule_reviews_nothing(log: Log) -> None:
    reviewed(log, broken(log, "r"))

    assert log.codes("another") == ["break-glass.review"]
