"""Whatever stands in the files that are audited, an audit ends in findings: never in a traceback.

The files are those of whoever is audited, who has every reason to stop the audit.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from babysitter.cli.audit_text import audit_text
from babysitter.model.errors import SettingsError
from babysitter.model.rules import AutoApproval, BreakGlass, Delegate, Freeze, Policy, Window
from babysitter.model.values import canonical_json, sha256_hex
from babysitter.service.audit_policies import policy_from_bytes
from babysitter.service.auditing import AuditReport, audit_folder
from tests.integration.audit.forging import Forger, chained
from tests.unit.service.runs import resume, start
from tests.unit.service.signing import ALICE, BOB, CAROL, EVE, SIGNERS, policy_of, rule, sign, trusting
from tests.unit.service.test_ledger import GATE, logging

ODD = [
    *("", "\0", "../../etc/passwd", "/", "a" * 300, "*", "=", "\u202e", "\ud7ff", "rule:x", "one", "7d"),
    *("9999-99-99T99:99:99.999999Z", "0001-01-01T00:00:00+23:59", "2026-01-01", "Europe/Nowhere"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(ODD)
    | st.text(max_size=8)
)
NAMES = st.sampled_from(ODD) | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
POLICY = policy_of(
    rule(
        windows=(Window(from_="09:00", to="16:00", tz="Europe/Berlin"),),
        freezes=(Freeze(from_="2026-12-20T00:00", to="2027-01-04T00:00", tz="UTC"),),
        delegates=(Delegate(from_=ALICE, to=EVE, until="2027-01-01T00:00:00Z"),),
        break_glass=BreakGlass(people=(CAROL,), reviewers=(ALICE,)),
        findings={"high": 0},
    ),
    auto_approve=(AutoApproval(id="small", context={"a": 1}),),
    cedar={"own.cedar": "forbid(principal, action, resource) when { context.now < 0 };"},
)
QUICK = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def put(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    """Return the value with another part at that place."""
    if not path:
        return part
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], part)
    return copy


def spoilt(drawn: st.DataObject, value: Any) -> Any:
    """Return a value of which a part is something else."""
    return put(value, drawn.draw(st.sampled_from(list(places(value)))), drawn.draw(ANYTHING))


# ---------------------------------------------------------------- rules


def read_as_rules(data: bytes) -> None:
    try:
        policy = policy_from_bytes(data)
    except SettingsError:
        return
    assert isinstance(policy, Policy)


@QUICK
@example(document=[])
@example(document={"rules": [1], "guarded": {}, "asked": {}})
@example(document={"rules": {}, "guarded": [], "asked": None})
@given(document=ANYTHING)
def test_any_document_is_rules_or_is_refused(document: Any) -> None:
    read_as_rules(json.dumps(document).encode())


@QUICK
@given(st.data())
def test_a_document_of_rules_with_anything_in_it_is_rules_or_is_refused(drawn: st.DataObject) -> None:
    document = json.loads(canonical_json(POLICY.document()))

    read_as_rules(json.dumps(spoilt(drawn, document)).encode())


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b'"\xff"', b"[" * 100_000, b'{"rules":' * 5000, b'{"rules":1e999}']
)
def test_what_is_no_json_is_no_rules(data: bytes) -> None:
    with pytest.raises(SettingsError):
        policy_from_bytes(data)


def test_lists_of_people_for_scripts_are_those_of_the_rules() -> None:
    """A script goes by these lists; another name in them would deceive it alone."""
    document = json.loads(canonical_json(POLICY.document()))
    document["rules"][0]["may"].append(EVE)

    with pytest.raises(SettingsError, match="other people"):
        policy_from_bytes(json.dumps(document).encode())


# ---------------------------------------------------------------- journals, log, signatures


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run that was approved, and what an auditor brings."""
    top = tmp_path_factory.mktemp("hostile")
    place = trusting(logging(top), rule(comment=True))
    place.logbook.tell_policy(place.policy)
    place.logbook.tell_signers(SIGNERS.encode(), b"")
    start(place, "deploying", ["here"])
    sign(place, BOB, GATE, comment="fine")
    resume(place)
    folder = top / ".a5c"
    (folder / "trust").mkdir()
    report = audit_folder(folder)
    assert report.ok, report.findings
    return folder


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with TemporaryDirectory() as top:
        shutil.copytree(folder, Path(top) / "copy")
        yield Path(top) / "copy"


def audited(folder: Path) -> AuditReport:
    """Audit it with and without the auditor's own, and show what was found as a face does."""
    reports = [audit_folder(folder, trust) for trust in (folder / "trust", None)]
    for report in reports:
        assert json.loads(msgspec.json.encode(report))["ok"] == report.ok
        assert audit_text(report)
    return reports[-1]


@QUICK
@given(st.data())
def test_a_journal_with_anything_in_it_gives_findings(honest: Path, drawn: st.DataObject) -> None:
    with copied(honest) as folder:
        forger = Forger(folder)
        lines = forger.lines("r")
        at = drawn.draw(st.integers(0, len(lines) - 1))
        lines[at]["data"] = spoilt(drawn, lines[at]["data"])
        if drawn.draw(st.booleans()):
            lines[at]["recordedAt"] = "9999-99-99T99:99:99.999999Z"
        forger.journal("r").write_bytes(chained(lines))

        audited(folder)


@QUICK
@given(st.data())
def test_a_log_with_anything_in_it_gives_findings(honest: Path, drawn: st.DataObject) -> None:
    with copied(honest) as folder:
        forger = Forger(folder)
        leaves = forger.leaves()
        at = drawn.draw(st.integers(0, len(leaves) - 1))
        leaves[at]["data"] = spoilt(drawn, leaves[at]["data"])
        if drawn.draw(st.booleans()):
            leaves[at]["recordedAt"] = "9999-99-99T99:99:99.999999Z"
        if drawn.draw(st.booleans()):
            leaves[at]["type"] = drawn.draw(
                st.sampled_from(["run.purged", "log.recovered", "approval", "unknown"])
            )
        forger.write_log(leaves)

        audited(folder)


FILES = [
    *("log/log.jsonl", "log/checkpoint", "log/checkpoints/3", "log/checkpoints/3.tsa.tsr", "log/log.vkey"),
    *("STATEMENT", "STATEMENT.sig", "POLICY", "SIGNERS", "runs/r/journal/journal.jsonl", "left-out"),
    *("trust/allowed_signers", "trust/revoked_keys", "trust/log.vkey", "trust/witnesses", "trust/seen/x"),
    *("trust/tsa-roots.pem", "trust/origins"),
]


def named(folder: Path, name: str) -> Path:
    """Return the file that is meant."""
    found = {
        "STATEMENT": "runs/r/breakpoints/*/approval-1.json",
        "STATEMENT.sig": "runs/r/breakpoints/*/approval-1.json.sig",
        "POLICY": "log/policies/*",
        "SIGNERS": "log/signers/*",
    }
    path = next(folder.glob(found[name])) if name in found else folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@QUICK
@given(drawn=st.data(), name=st.sampled_from(FILES))
def test_a_file_of_any_bytes_gives_findings(honest: Path, drawn: st.DataObject, name: str) -> None:
    with copied(honest) as folder:
        path = named(folder, name)
        data = path.read_bytes() if path.exists() else b""
        at = drawn.draw(st.integers(0, len(data)))
        end = drawn.draw(st.integers(at, len(data)))
        path.write_bytes(data[:at] + drawn.draw(st.binary(max_size=30)) + data[end:])

        audited(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_gives_findings(honest: Path, name: str) -> None:
    with copied(honest) as folder:
        path = named(folder, name)
        path.unlink(missing_ok=True)
        path.mkdir()

        audited(folder)


def under_its_digest(folder: Path, kind: str, data: bytes) -> None:
    """Keep other rules or signers under their own digest, and have the log and the journal name that."""
    (old,) = (folder / "log" / kind).iterdir()
    digest = sha256_hex(data)
    (old.with_name(old.name.replace(old.name[:64], digest))).write_bytes(data)
    forger = Forger(folder)
    text = json.dumps([forger.lines("r"), forger.leaves()]).replace(old.name[:64], digest)
    lines, leaves = json.loads(text)
    forger.journal("r").write_bytes(chained(lines))
    forger.write_log(leaves)


@QUICK
@given(st.data())
def test_kept_rules_with_anything_in_them_give_findings(honest: Path, drawn: st.DataObject) -> None:
    with copied(honest) as folder:
        document = json.loads(next((folder / "log" / "policies").iterdir()).read_bytes())
        under_its_digest(folder, "policies", json.dumps(spoilt(drawn, document)).encode())

        audited(folder)


def test_kept_rules_that_are_a_list_are_found(honest: Path) -> None:
    with copied(honest) as folder:
        under_its_digest(folder, "policies", b"[]")

        report = audited(folder)

    assert "policy.form" in {found.code for found in report.findings}


@QUICK
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_kept_signers_of_any_bytes_give_findings(honest: Path, data: bytes) -> None:
    with copied(honest) as folder:
        under_its_digest(folder, "signers", data)

        assert not audited(folder).ok


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("BREAKPOINT_REQUESTED", {"expiresAt": "soon"}, "question.time"),
        ("BREAKPOINT_REQUESTED", {"eligible": 1}, "journal.line"),
        ("BREAKPOINT_REQUESTED", {"policySha256": "../../etc/passwd"}, "policy.missing"),
        (
            "BREAKPOINT_RESPONDED",
            {"statementRef": {"path": "../x", "sha256": "", "bytes": 0}},
            "signature.unreadable",
        ),
        ("EFFECT_STARTED", {"attempt": "1"}, "journal.line"),
    ],
)
def test_a_line_that_says_what_none_can_say_is_found(
    honest: Path, kind: str, data: dict[str, Any], code: str
) -> None:
    with copied(honest) as folder:
        forger = Forger(folder)
        lines = forger.lines("r")
        next(line for line in lines if line["type"] == kind)["data"] |= data
        forger.journal("r").write_bytes(chained(lines))

        report = audited(folder)

    assert code in {found.code for found in report.findings}


@pytest.mark.parametrize("kind", ["BREAKPOINT_REQUESTED", "BREAKPOINT_RESPONDED", "EFFECT_STARTED"])
def test_a_line_of_a_time_that_never_was_is_found(honest: Path, kind: str) -> None:
    with copied(honest) as folder:
        forger = Forger(folder)
        lines = forger.lines("r")
        next(line for line in lines if line["type"] == kind)["recordedAt"] = "2026-02-30T24:61:00.000000Z"
        forger.journal("r").write_bytes(chained(lines))

        report = audited(folder)

    assert "journal.line" in {found.code for found in report.findings}


@pytest.mark.parametrize(
    ("of", "to"),
    [
        (b'"by":"alice"', b'"by":"\xff"'),
        (b'"by":"alice"', b'"by":\\'),
        (b"T", b"T9"),
        (b"policy.changed", b"policy.Changed"),
    ],
)
def test_a_leaf_that_is_none_is_found(honest: Path, of: bytes, to: bytes) -> None:
    with copied(honest) as folder:
        path = folder / "log" / "log.jsonl"
        first, rest = path.read_bytes().split(b"\n", 1)
        assert of in first
        path.write_bytes(first.replace(of, to, 1) + b"\n" + rest)

        report = audited(folder)

    assert {found.code for found in report.findings} & {"log.leaf", "log.chain"}
