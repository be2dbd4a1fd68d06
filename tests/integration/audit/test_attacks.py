"""What a lying operator, and who steals their keys, can't do unseen: each attack, both verifiers.

The auditor brings ``allowed_signers``, the log's public key and a checkpoint that a witness has seen.
Where an attack is of what was never witnessed, they bring less, and signatures and rules alone must show it.
"""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from babysitter.model.statement import parse_statement, statement_bytes
from babysitter.signing.keys import blob_of_line, fingerprint
from tests.integration.audit.conftest import Judge, Workspace
from tests.integration.audit.forging import Forger, Line, chained, seen_by_a_witness, sha
from tests.unit.signing.software_keys import ORIGIN, SoftwareKey, passkey, sk_ed25519_key

pytestmark = [
    pytest.mark.promise("G24"),
    pytest.mark.needs("bash", "jq", "openssl", "ssh-keygen", "xxd", "sha256sum"),
]


def caught(judged: Judge, place: Workspace, script: str, code: str, **how: bool) -> None:
    """Both verifiers say no, and for that reason."""
    said = judged(place, **how)
    assert said.script_status == 1, said.script
    assert script in said.script, said.script
    assert not said.ours.ok
    assert code in said.findings, said.findings


def index_of(lines: list[Line], kind: str) -> int:
    return next(number for number, line in enumerate(lines) if line["type"] == kind)


def changed(kind: str, **fields: Any) -> Callable[[list[Line]], list[Line]]:
    def change(lines: list[Line]) -> list[Line]:
        lines[index_of(lines, kind)]["data"] |= fields
        return lines

    return change


def test_an_honest_workspace_passes_both(honest: Workspace, judged: Judge) -> None:
    said = judged(honest)

    assert (said.script_status, said.script.splitlines()[-1]) == (0, "OK  3 runs, 10 lines of log"), (
        said.script
    )
    assert said.ours.ok, said.findings
    assert said.ours.findings == ()


def test_an_honest_workspace_passes_both_without_an_auditors_own_keys(
    honest: Workspace, judged: Judge
) -> None:
    said = judged(honest, trusting=True)

    assert said.script_status == 0, said.script
    assert "no witness that you believe has seen this log" in said.script
    assert said.ours.ok
    assert any("No witness" in text for text in said.ours.unproven)
    assert any("operator's own word" in text for text in said.ours.unproven)


def test_an_edit(place: Workspace, judged: Judge) -> None:
    journal = place.forger.journal("one")
    journal.write_bytes(journal.read_bytes().replace(b"deployed here", b"deployed herr"))

    caught(judged, place, "not the journal that was sealed", "log.seal one")


def test_a_line_deleted_and_the_rest_chained_again(place: Workspace, judged: Judge) -> None:
    forger = place.forger
    lines = forger.lines("one")
    del lines[index_of(lines, "EFFECT_STARTED")]

    forger.journal("one").write_bytes(chained(lines))

    caught(judged, place, "not the journal that was sealed", "log.seal one")


def test_lines_in_another_order(place: Workspace, judged: Judge) -> None:
    journal = place.forger.journal("one")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[-1], lines[-2] = lines[-2], lines[-1]
    journal.write_bytes(b"".join(lines))

    caught(judged, place, "does not chain", "journal one")


def test_a_journal_cut_short(place: Workspace, judged: Judge) -> None:
    journal = place.forger.journal("one")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))

    caught(judged, place, "not the journal that was sealed", "log.seal one")


def test_a_run_deleted(place: Workspace, judged: Judge) -> None:
    shutil.rmtree(place.data / "runs" / "one")

    caught(judged, place, "one: the log tells of it and it is not there", "run.missing one")


def without_run(forger: Forger, run_id: str) -> None:
    shutil.rmtree(forger.folder / "runs" / run_id)
    forger.write_log([leaf for leaf in forger.leaves() if leaf["data"].get("runId") != run_id])


def test_a_run_deleted_and_the_log_signed_again_with_its_key(place: Workspace, judged: Judge) -> None:
    without_run(place.forger, "one")

    caught(judged, place, "rolled back", "log.rollback")


def test_a_journal_rewritten_with_every_key_of_the_server(place: Workspace, judged: Judge) -> None:
    result = {"result": "deployed elsewhere", "resultSha256": sha(b'"deployed elsewhere"')}
    place.forger.rewrite("one", changed("EFFECT_RESOLVED", **result))
    for derived in (place.data / "runs" / "one" / "tasks").rglob("result.json"):
        derived.unlink()

    caught(judged, place, "forked or rewritten", "log.fork")


def test_a_rollback_of_the_whole_workspace(place: Workspace, judged: Judge, tmp_path: Path) -> None:
    shutil.copytree(place.data, tmp_path / "before")
    place.approve("open/3-gate-deploy")
    place.babysitter("resume", "open")
    seen_by_a_witness(place.data, place.trust, time_s=int(time.time()))

    shutil.rmtree(place.data)
    shutil.copytree(tmp_path / "before", place.data)

    caught(judged, place, "rolled back", "log.rollback")


def test_a_fork_shown_to_two_auditors(place: Workspace, judged: Judge, tmp_path: Path) -> None:
    """Each sees a log that is consistent in itself; together they see that there are two."""
    other = place.copied_to(tmp_path / "other")
    other.forger.rewrite("open", changed("RUN_CREATED", productVersion="0.0.1"))
    shutil.rmtree(place.trust / "seen")
    shutil.rmtree(other.trust / "seen")
    assert judged(place).ours.ok

    shutil.copytree(other.data / "log", tmp_path / "theirs")
    (place.trust / "seen").mkdir()
    shutil.copy(tmp_path / "theirs" / "checkpoint", place.trust / "seen" / "from-the-other-auditor")

    caught(judged, place, "forked or rewritten", "log.fork")


def unwitnessed(place: Workspace) -> Workspace:
    """The auditor has no checkpoint: signatures and rules alone must show it."""
    shutil.rmtree(place.trust / "seen")
    return place


def test_an_answer_under_the_name_of_somebody_who_did_not_sign(place: Workspace, judged: Judge) -> None:
    unwitnessed(place).forger.rewrite("one", changed("BREAKPOINT_RESPONDED", approver="alice@example.com"))

    caught(judged, place, "did not sign the answer", "signature.")


def test_shown_bytes_exchanged(place: Workspace, judged: Judge) -> None:
    folder = place.data / "runs" / "one" / "breakpoints" / "3-gate-deploy"
    shown = (folder / "shown.md").read_bytes().replace(b"here", b"hell")
    (folder / "shown.md").write_bytes(shown)
    unwitnessed(place).forger.rewrite("one", changed("BREAKPOINT_REQUESTED", shownSha256=sha(shown)))

    caught(judged, place, "signed for something else", "signature.statement")


def approval_of(place: Workspace, run_id: str, breakpoint_id: str) -> dict[str, Any]:
    lines = place.forger.lines(run_id)
    for line in lines:
        if line["type"] == "BREAKPOINT_RESPONDED" and line["data"]["breakpointId"] == breakpoint_id:
            return dict(line["data"])
    raise AssertionError(breakpoint_id)


def replayed(place: Workspace, source: tuple[str, str], target: tuple[str, str]) -> None:
    """Give an answer of one question as the answer to another."""
    answer = approval_of(place, *source)
    folders = [place.data / "runs" / run / "breakpoints" / name for run, name in (source, target)]
    for name in ("approval-1.json", "approval-1.json.sig"):
        shutil.copy(folders[0] / name, folders[1] / name)

    def change(lines: list[Line]) -> list[Line]:
        for line in lines:
            if line["type"] == "BREAKPOINT_RESPONDED" and line["data"]["breakpointId"] == target[1]:
                old = line["data"]
                fields = (
                    "approver",
                    "comment",
                    "statementSha256",
                    "keyFingerprint",
                    "statementRef",
                    "signatureRef",
                )
                line["data"] = old | {name: answer[name] for name in fields}
                for ref in ("statementRef", "signatureRef"):
                    path = old[ref]["path"]
                    line["data"][ref] = answer[ref] | {"path": path}
        return lines

    place.forger.rewrite(target[0], change)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (("two", "3-gate-deploy"), ("two", "4-gate-deploy")),
        (("one", "3-gate-deploy"), ("two", "3-gate-deploy")),
    ],
    ids=["another breakpoint", "another run"],
)
def test_an_approval_given_again(
    place: Workspace, judged: Judge, source: tuple[str, str], target: tuple[str, str]
) -> None:
    replayed(unwitnessed(place), source, target)

    caught(judged, place, "signed for something else", "signature.statement")


def test_an_approval_of_other_arguments(place: Workspace, judged: Judge) -> None:
    """The effect that started has other arguments than were approved."""
    args = {"where": "elsewhere"}
    digest = sha(b'{"where":"elsewhere"}')
    for derived in (place.data / "runs" / "one" / "tasks").rglob("*.json"):
        derived.unlink()
    unwitnessed(place).forger.rewrite("one", changed("EFFECT_REQUESTED", args=args, argsSha256=digest))

    caught(judged, place, "does not cover it", "gate one")


def test_an_author_approving_their_own_run(place: Workspace, judged: Judge) -> None:
    """The driver was made to take it: the signature is true, the rule says no."""
    unwitnessed(place).forger.rewrite("one", changed("RUN_CREATED", requestedBy="bob@example.com"))

    caught(judged, place, "an author may not", "answer.rule")


def forged_answer(place: Workspace, person: str, key: str, **fields: Any) -> None:
    """Have somebody sign a statement about run one that the journal then holds, as a lying driver would."""
    folder = place.data / "runs" / "one" / "breakpoints" / "3-gate-deploy"
    statement = parse_statement((folder / "approval-1.json").read_bytes())
    forger = place.forger
    asked = next(line for line in forger.lines("one") if line["type"] == "BREAKPOINT_REQUESTED")
    raw = forger.journal("one").read_bytes().splitlines(keepends=True)
    place_of = replace(
        statement.predicate.journal,
        seq=asked["seq"],
        prefix=asked["prefix"],
        head=sha(b"".join(raw[: asked["seq"]])),
    )
    told = {"expires_at": asked["data"].get("expiresAt"), "approver": person, "journal": place_of, **fields}
    made = statement_bytes(replace(statement, predicate=replace(statement.predicate, **told)))
    (folder / "approval-1.json").write_bytes(made)
    signature = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", "babysitter-approval"],
        input=made,
        check=True,
        capture_output=True,
    ).stdout
    (folder / "approval-1.json.sig").write_bytes(signature)
    public = Path(f"{key}.pub").read_text()
    _hold(place, person, made, signature, fingerprint(blob_of_line(public)[1]))


def _hold(place: Workspace, person: str, made: bytes, signature: bytes, key_fingerprint: str) -> None:
    def change(lines: list[Line]) -> list[Line]:
        answer = lines[index_of(lines, "BREAKPOINT_RESPONDED")]["data"]
        answer |= {"approver": person, "statementSha256": sha(made), "keyFingerprint": key_fingerprint}
        answer["statementRef"] |= {"sha256": sha(made), "bytes": len(made)}
        answer["signatureRef"] |= {"sha256": sha(signature), "bytes": len(signature)}
        lines[index_of(lines, "BREAKPOINT_RELEASED")]["data"]["respondedBy"] = [person]
        return lines

    place.forger.rewrite("one", change)


def test_somebody_without_the_role_approving(place: Workspace, judged: Judge) -> None:
    unwitnessed(place).forger.rewrite(
        "one", changed("BREAKPOINT_REQUESTED", eligible=["bob@example.com", "eve@example.com"])
    )
    forged_answer(place, "eve@example.com", place.key("eve@example.com"))

    caught(judged, place, "does not name eve@example.com", "answer.rule")


def test_an_approval_after_it_had_expired(place: Workspace, judged: Judge) -> None:
    """A witness saw the answer only after its time; what the statement says of itself is no matter."""
    unwitnessed(place).forger.rewrite(
        "one", changed("BREAKPOINT_REQUESTED", expiresAt="2020-01-01T00:00:00.000000Z")
    )
    forged_answer(
        place, "bob@example.com", place.key("bob@example.com"), issued_at="2019-12-31T00:00:00.000000Z"
    )

    caught(judged, place, "came after", "answer.late")


def test_a_run_on_disk_that_the_log_does_not_know(place: Workspace, judged: Judge) -> None:
    shutil.copytree(place.data / "runs" / "one", place.data / "runs" / "three")

    caught(judged, place, "three: on disk and not in the log", "log.unknown-run three")


def signed_again(place: Workspace, key: SoftwareKey) -> None:
    """Put a signature by another key of Bob's in the place of his, as an operator with all keys can."""
    folder = unwitnessed(place).data / "runs" / "one" / "breakpoints" / "3-gate-deploy"
    made = (folder / "approval-1.json").read_bytes()
    line = f'bob@example.com namespaces="babysitter-*" {key.line}\n'
    with (place.trust / "allowed_signers").open("a") as file:
        file.write(line)
    signature = key.signature(made).encode()
    (folder / "approval-1.json.sig").write_bytes(signature)
    _hold(place, "bob@example.com", made, signature, fingerprint(key.blob))


def test_a_statement_signed_by_a_security_key_that_nobody_touched(place: Workspace, judged: Judge) -> None:
    """Stock ``ssh-keygen -Y verify`` says Good to such a signature."""
    signed_again(place, sk_ed25519_key(flags=0))

    caught(judged, place, "nobody touched the key", "signature.no-presence")


def test_a_statement_signed_by_a_passkey_on_a_page_that_another_embedded(
    place: Workspace, judged: Judge
) -> None:
    """Whoever embeds the page can lay what they like over the question."""
    (place.trust / "origins").write_text(f"{ORIGIN}\n")
    signed_again(place, passkey(frame='"crossOrigin":true'))

    caught(judged, place, "nobody touched the key", "signature.origin")


def test_a_statement_signed_by_a_passkey_on_a_page_of_ours_is_not_the_signature_that_is_wrong(
    place: Workspace, judged: Judge
) -> None:
    (place.trust / "origins").write_text(f"{ORIGIN}\n")
    signed_again(place, passkey())

    said = judged(place)

    assert "nobody touched the key" not in said.script
    assert not [code for code in said.findings if code.startswith("signature.")]


def test_an_effect_that_started_without_the_approval_its_rule_wants(place: Workspace, judged: Judge) -> None:
    def change(lines: list[Line]) -> list[Line]:
        kept = [line for line in lines if not line["type"].startswith("BREAKPOINT_")]
        del kept[index_of(kept, "EFFECT_STARTED")]["data"]["approval"]
        return kept

    shutil.rmtree(place.data / "runs" / "one" / "breakpoints")
    unwitnessed(place).forger.rewrite("one", change)

    caught(judged, place, "started without an approval", "gate one")


@pytest.mark.parametrize(
    "brought", [(), ("log.vkey",), ("seen", "witnesses")], ids=["nothing", "key", "seen"]
)
def test_the_whole_log_deleted(place: Workspace, judged: Judge, brought: tuple[str, ...]) -> None:
    shutil.rmtree(place.data / "log")
    for name in {"log.vkey", "seen", "witnesses"} - set(brought):
        path = place.trust / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    caught(judged, place, "log: there is none", "log.missing log")


def test_the_log_and_every_run_deleted_of_a_workspace_whose_log_the_auditor_knows(
    place: Workspace, judged: Judge
) -> None:
    shutil.rmtree(place.data / "log")
    shutil.rmtree(place.data / "runs")
    (place.data / "runs").mkdir()

    caught(judged, place, "log: there is none", "log.missing log")


def test_a_folder_in_which_nothing_ever_was_passes_both(
    place: Workspace, judged: Judge, tmp_path: Path
) -> None:
    (tmp_path / "new" / "workspace" / ".a5c" / "runs").mkdir(parents=True)
    empty = Workspace(tmp_path / "new" / "workspace", place.keys, tmp_path / "new" / "trust")

    said = judged(empty)

    assert (said.script_status, said.ours.ok) == (0, True), said.script + said.findings


def test_without_a_log_signatures_and_rules_are_looked_at_all_the_same(
    place: Workspace, judged: Judge
) -> None:
    """What is missing of the log's files is what the auditor brought, or is in the run."""
    forged_answer(place, "eve@example.com", place.key("eve@example.com"))
    shutil.copytree(place.data / "log" / "policies", place.root / "policies")
    shutil.rmtree(place.data / "log")
    (place.data / "log").mkdir()
    shutil.copytree(place.root / "policies", place.data / "log" / "policies")
    folder = place.data / "runs" / "two" / "breakpoints" / "3-gate-deploy"
    (folder / "approval-1.json.sig").write_bytes(
        (folder.parent / "4-gate-deploy" / "approval-1.json.sig").read_bytes()
    )

    said = judged(place)

    assert "answer.rule one/3-gate-deploy" in said.findings
    assert "signature.bad-signature two/3-gate-deploy" in said.findings
