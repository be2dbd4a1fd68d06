"""A driver that lies: people really signed, and the rules of then did not let their answers through.

Made of the honest run ``one`` with every key of the server: other rules are kept and told of, the
question is asked under them, people sign just that, and the driver releases and starts all the same.
"""

import base64
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from babysitter.log.run_keys import seal_text
from babysitter.model.clock import format_time, parse_time
from babysitter.model.rules import Policy
from babysitter.model.statement import parse_statement, statement_bytes
from babysitter.model.values import canonical_json
from babysitter.signing.keys import blob_of_line, fingerprint
from tests.integration.audit.conftest import Workspace
from tests.integration.audit.forging import Forger, Line, chained, sha
from tests.unit.signing.software_keys import SoftwareKey

ALICE, BOB, EVE = (f"{name}@example.com" for name in ("alice", "bob", "eve"))
GATE = "3-gate-deploy"
MINUTE_NS = 60_000_000_000


@dataclass(frozen=True)
class Said:
    """An answer of the story. ``key``: a key in software in the place of the person's own; None: that one."""

    person: str = BOB
    decision: str = "approve"
    comment: str = "fine"
    on_behalf_of: str | None = None
    break_glass: bool = False
    by: str = "ssh"
    key: SoftwareKey | None = None
    after_min: float = 0


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the journal is made to tell.

    policy: the rules in force. asked_under: those that the question names; None: the same.
    question, created: fields of the question and of the first line that are other.
    started_after_min: between the release and the start.
    days_ago: by how much journal and log are dated back.
    revoked_after_min: between the release and the revocation of Bob's key, where there was one.
    """

    policy: Policy
    asked_under: Policy | None = None
    question: dict[str, Any] = field(default_factory=dict)
    created: dict[str, Any] = field(default_factory=dict)
    said: tuple[Said, ...] = (Said(),)
    released_by: tuple[str, ...] | None = None
    started_after_min: float = 0
    days_ago: int = 0
    revoked_after_min: float | None = None


def tell(place: Workspace, story: Story) -> None:
    """Make the workspace tell the story, and nothing else; afterwards journal and log agree."""
    forger = place.forger
    for run_id in ("two", "open"):
        shutil.rmtree(place.data / "runs" / run_id)
    shutil.rmtree(place.trust / "seen")
    for each in filter(None, (story.policy, story.asked_under)):
        document = canonical_json(each.document())
        (forger.log / "policies" / f"{sha(document)}.json").write_bytes(document)
    lines = _journal(place, forger, story)
    forger.journal("one").write_bytes(chained(lines))
    _log(place, forger, story, lines)


def _dated(lines: list[Line], story: Story) -> list[Line]:
    ago_ns = story.days_ago * 24 * 60 * MINUTE_NS
    return [line | {"recordedAt": format_time(parse_time(line["recordedAt"]) - ago_ns)} for line in lines]


def _journal(place: Workspace, forger: Forger, story: Story) -> list[Line]:
    lines = _dated(forger.lines("one"), story)
    by_type = {line["type"]: line for line in lines}
    begun = lines[: list(by_type).index("BREAKPOINT_REQUESTED") + 1]
    begun[0]["data"] |= {"policySha256": story.policy.digest(), **story.created}
    asked = begun[-1]["data"]
    asked |= {"policySha256": (story.asked_under or story.policy).digest(), **story.question}
    for name in [name for name, value in asked.items() if value is None]:
        del asked[name]
    folder = place.data / "runs" / "one" / "breakpoints" / GATE
    lines, model = begun, parse_statement((folder / "approval-1.json").read_bytes())
    at_ns = parse_time(by_type["BREAKPOINT_RESPONDED"]["recordedAt"])
    for number, said in enumerate(story.said, 1):
        at_ns += int(said.after_min * MINUTE_NS)
        answer = dict(by_type["BREAKPOINT_RESPONDED"]["data"]) | _answer(place, begun, model, said, number)
        for name in [name for name, value in answer.items() if value is None]:
            del answer[name]
        lines = [*lines, {"type": "BREAKPOINT_RESPONDED", "recordedAt": format_time(at_ns), "data": answer}]
    rest = [
        by_type[kind]
        for kind in ("BREAKPOINT_RELEASED", "EFFECT_STARTED", "EFFECT_RESOLVED", "RUN_COMPLETED")
    ]
    names = story.released_by or tuple(said.person for said in story.said if said.decision == "approve")
    rest[0]["data"] |= {"respondedBy": list(names), "rule": asked["rule"]}
    if any(said.break_glass for said in story.said):
        rest[0]["data"]["breakGlass"] = True
    for number, line in enumerate(rest):
        line["recordedAt"] = format_time(at_ns + int(min(number, 1) * story.started_after_min * MINUTE_NS))
    return [*lines, *rest]


def _answer(place: Workspace, begun: list[Line], model: Any, said: Said, number: int) -> Line:
    """Have somebody sign exactly the question, and return the fields of the line that say so."""
    told: Line = {
        "approver": said.person,
        "decision": said.decision,
        "comment": said.comment,
        "onBehalfOf": said.on_behalf_of,
        "breakGlass": said.break_glass or None,
        "method": said.by,
        "requestId": f"01M8FJPJA40FYV8N741YW5BQ{number:02}",
    }
    path = f"breakpoints/{GATE}/approval-{number}.json"
    if said.by != "ssh":
        (place.data / "runs" / "one" / path).unlink()
        (place.data / "runs" / "one" / f"{path}.sig").unlink()
        return told | dict.fromkeys(("statementSha256", "statementRef", "signatureRef", "keyFingerprint"))
    asked, raw = begun[-1]["data"], chained(begun).splitlines(keepends=True)
    seq = len(raw)
    where = replace(model.predicate.journal, seq=seq, prefix=sha(b"".join(raw[:-1])), head=sha(b"".join(raw)))
    predicate = replace(
        model.predicate,
        journal=where,
        approver=said.person,
        decision=said.decision,
        comment=said.comment,
        on_behalf_of=said.on_behalf_of,
        break_glass=said.break_glass,
        rule=asked["rule"],
        policy_sha256=asked["policySha256"],
        expires_at=asked.get("expiresAt"),
        nonce=f"{number:032x}",
    )
    made = statement_bytes(replace(model, predicate=predicate))
    signature, public = _signature(place, said, made)
    for name, data in ((path, made), (f"{path}.sig", signature)):
        (place.data / "runs" / "one" / name).write_bytes(data)
    told["statementSha256"], told["keyFingerprint"] = sha(made), fingerprint(blob_of_line(public)[1])
    told["statementRef"] = {"path": path, "sha256": sha(made), "bytes": len(made)}
    told["signatureRef"] = {"path": f"{path}.sig", "sha256": sha(signature), "bytes": len(signature)}
    return told


def _signature(place: Workspace, said: Said, made: bytes) -> tuple[bytes, str]:
    if said.key is not None:
        with (place.trust / "allowed_signers").open("a") as file:
            file.write(f'{said.person} namespaces="babysitter-*" {said.key.line}\n')
        return said.key.signature(made).encode(), said.key.line
    key = place.key(said.person)
    program = ["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", "babysitter-approval"]
    done = subprocess.run(program, input=made, check=True, capture_output=True)
    return done.stdout, Path(f"{key}.pub").read_text()


def _revocation(place: Workspace, told: list[Line], after_min: float) -> Line:
    key = Path(f"{place.key(BOB)}.pub").read_bytes()
    (place.data / "log" / "signers" / sha(key)).write_bytes(key)
    at_ns = parse_time(told[-1]["recordedAt"]) + int(after_min * MINUTE_NS)
    data = told[1]["data"] | {"revokedSha256": sha(key)}
    return {"type": "signers.changed", "recordedAt": format_time(at_ns), "data": data}


def _log(place: Workspace, forger: Forger, story: Story, lines: list[Line]) -> None:
    """Have the log tell of the journal as it is: opened, each answer, sealed, under a new key of the run."""
    raw = chained(lines).splitlines(keepends=True)
    key = Ed25519PrivateKey.generate()
    old = {
        leaf["type"]: leaf
        for leaf in _dated(forger.leaves(), story)
        if leaf["data"].get("runId", "one") == "one"
    }
    old["policy.changed"]["data"]["policySha256"] = story.policy.digest()
    old["run.opened"]["data"] |= {
        "firstLineSha256": sha(raw[0]),
        "policySha256": story.policy.digest(),
        "runKey": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
    }
    told = [old["policy.changed"], old["signers.changed"], old["run.opened"]]
    for number, line in enumerate(lines):
        if line["type"] == "BREAKPOINT_RESPONDED" and line["data"]["decision"] != "defer":
            answer = line["data"]
            data = {
                "runId": "one",
                "breakpointId": GATE,
                "seq": number + 1,
                "prefix": sha(b"".join(raw[: number + 1])),
                "lineSha256": sha(raw[number]),
                **{
                    name: answer[name]
                    for name in ("approver", "decision", "method", "statementSha256", "keyFingerprint")
                    if name in answer
                },
                **{name: answer[name] for name in ("onBehalfOf", "breakGlass") if name in answer},
            }
            told.append({"type": "approval", "recordedAt": line["recordedAt"], "data": data})
    if story.revoked_after_min is not None:
        told.append(_revocation(place, told, story.revoked_after_min))
    text = seal_text("one", len(raw), sha(b"".join(raw)), "completed")
    sealed = old["run.sealed"]
    sealed["recordedAt"] = lines[-1]["recordedAt"]
    sealed["data"] |= {"seq": len(raw), "prefix": sha(b"".join(raw))}
    sealed["data"]["signature"] = base64.b64encode(key.sign(text)).decode()
    forger.write_log([*told, sealed])
