"""What proving costs: a decision, a signature made and verified, the log beside a run, the audit of it all.

Run by benchmarks/run.py:
    python -m benchmarks.proof decisions|signatures|log|audit --dir DIR [--runs 1000] [--rounds 7]

Prints one JSON object. What is compared takes turns in one process.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.rules import Rule, When
from babysitter.policy.authorizer import Decider
from babysitter.policy.gate import Facts, Gate, Vote
from babysitter.policy.rules import make_policy
from babysitter.service.auditing import audit
from babysitter.service.ledger import NoLedger
from babysitter.service.runs import RunService
from babysitter.service.wiring import Workspace, open_workspace
from babysitter.signing.allowed_signers import AllowedSigners
from babysitter.signing.sign import sign
from babysitter.signing.verify import Trust, verify_signature
from babysitter.testing.trusting import trust_as_it_is

NOW_NS = 1_795_000_000_000_000_000
PROCESS = """\
from babysitter import Context, process, task


@task(inline=True)
def step(number: int) -> int:
    return number


@process
async def many(steps: int, ctx: Context) -> int:
    for number in range(steps):
        await ctx.task(step, number)
    return steps
"""


def each_s(call: Callable[[], object], times: int) -> float:
    """Return the seconds of one call, the median of five batches, after one that does not count."""
    call()
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            call()
        taken.append((time.perf_counter() - started) / times)
    return statistics.median(taken)


def decisions() -> dict[str, float]:
    """A vote and a release, decided with ten rules of two people each."""
    rules = tuple(
        Rule(
            id=f"rule-{number}",
            when=When(environment="production", tags=(f"t{number}",)),
            roles=("r",),
            quorum=2,
        )
        for number in range(10)
    )
    policy = make_policy(rules=rules, roles={"r": ("a@x", "b@x")})
    gate = Gate(kind="effect", process_id="p", task_id="deploy", environment="production", tags=("t9",))
    facts = Facts(now_ns=NOW_NS, authors=frozenset({"eve"}))
    votes = [Vote(person=name, method="ssh", decision="approve", at_ns=NOW_NS) for name in ("a@x", "b@x")]
    decider, moments = Decider(policy), count(NOW_NS, 1_000_000_000)

    def vote() -> object:
        # Each at a moment of its own: the very same question again is answered from memory.
        asked = replace(votes[0], at_ns=next(moments))
        return decider.may_answer(rules[9], gate, asked, facts)

    assert decider.may_answer(rules[9], gate, votes[0], facts).allowed
    assert decider.may_proceed(rules[9], gate, votes, facts).allowed
    return {
        "voteS": each_s(vote, 500),
        "releaseS": each_s(lambda: decider.may_proceed(rules[9], gate, votes, facts), 200),
    }


def signatures(folder: Path) -> dict[str, float]:
    """A statement of 2 KiB, signed by ssh-keygen with an Ed25519 key and verified by us."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    line = f"a@x {key.with_suffix('.pub').read_text()}"
    trust = Trust(signers=AllowedSigners.parse(line))
    message, programs = b"x" * 2048, LocalPrograms()
    armored = sign(programs, message=message, namespace="n", key_path=str(key))

    def verify() -> object:
        return verify_signature(
            trust, message=message, armored=armored, principal="a@x", namespace="n", at_ns=NOW_NS
        )

    program = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", "n"]
    return {
        "signS": each_s(lambda: sign(programs, message=message, namespace="n", key_path=str(key)), 20),
        "sshKeygenS": each_s(
            lambda: subprocess.run(program, input=message, capture_output=True, check=True), 20
        ),
        "verifyS": each_s(verify, 200),
    }


def no_log(_run_id: str) -> NoLedger:
    """Return no log."""
    return NoLedger()


def log_cost(folder: Path, rounds: int) -> dict[str, object]:
    """Runs of 1,000 inline steps with the log and without it, in turn."""
    place = workspace(folder)
    with_log, service = place.ledger, RunService(place)
    taken: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(rounds + 1):
        for name, seconds in taken.items():
            # One workspace, so that both find the same caches; only the log differs.
            setattr(place, "ledger", with_log if name == "with" else no_log)  # noqa: B010 (mypy: a method)
            started = time.perf_counter()
            assert service.start("many.py", 1000).status == "completed"
            if number:
                seconds.append(time.perf_counter() - started)
    ratios = [with_s / without_s for with_s, without_s in zip(taken["with"], taken["without"], strict=True)]
    middle = {f"{name}S": statistics.median(each) for name, each in taken.items()}
    return {**middle, "ratio": statistics.median(ratios), "ratios": sorted(round(each, 3) for each in ratios)}


def audit_all(folder: Path, runs: int, rounds: int) -> dict[str, object]:
    """``journal verify --all`` over runs of about 100 events each, with their log."""
    place = workspace(folder)
    service = RunService(place)
    for _ in range(runs):
        service.start("many.py", 33)
    report = audit(place.store, place.log_folder)
    assert report.ok, report.findings
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        audit(place.store, place.log_folder)
        seconds.append(time.perf_counter() - started)
    events = sum(view.lines for view in report.runs)
    return {"runs": runs, "events": events, "seconds": statistics.median(seconds), "fastest": min(seconds)}


def workspace(folder: Path) -> Workspace:
    """Make and open a workspace."""
    (folder / "babysitter.toml").write_text("[secrets]\nrecognise = false\n", encoding="utf-8")
    (folder / "many.py").write_text(PROCESS, encoding="utf-8")
    trust_as_it_is(folder, "many.py")
    return open_workspace(folder)


def main() -> None:
    """Measure one of them and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=["decisions", "signatures", "log", "audit"])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    measured: dict[str, object]
    match given.what:
        case "decisions":
            measured = dict(decisions())
        case "signatures":
            measured = dict(signatures(given.dir))
        case "log":
            measured = log_cost(given.dir, given.rounds)
        case _:
            measured = audit_all(given.dir, given.runs, given.rounds)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
