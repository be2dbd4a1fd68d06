"""Kill the driver with SIGKILL at random moments, resume, and hold the journal against what was really done.

What was really done is counted outside the run: each step appends its number
to a ledger. After every kill, and at the end:
    - nothing acknowledged is lost: a step that left its mark was journaled as
      started before, all steps before it as resolved, and no whole line that
      the journal had is ever missing later;
    - nothing is repeated silently: a step has left at most as many marks as
      the journal has attempts of it, and each further attempt comes after an
      EFFECT_UNKNOWN that says so (and, where the step is not idempotent, after
      a person's answer);
    - the journal verifies.

    python -m benchmarks.kill --moments 300 --dir DIR [--seed N]
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import babysitter
from benchmarks.machine import source_sha256
from benchmarks.ours import make_workspace

STEPS = 50
DRIVER_S_MAX = 60
EXIT_WAITING = 3
BABYSITTER = Path(sys.executable).parent / "babysitter"


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was seen. The three lists must stay empty."""

    seed: int
    moments: int = 0
    hits: int = 0
    runs: int = 0
    unknown_outcomes: int = 0
    torn_tails: int = 0
    lost: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    bad_journals: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the findings as one JSON object; ``faults`` is what must be zero."""
        return {**asdict(self), "faults": len(self.lost) + len(self.repeats) + len(self.bad_journals)}


@dataclass(slots=True, kw_only=True)
class Told:
    """What a journal tells of a run's effects.

    ``effects``: in order; one after another, so the n-th is step n.
    """

    effects: list[str] = field(default_factory=list)
    not_repeatable: set[str] = field(default_factory=set)
    resolved: set[str] = field(default_factory=set)
    started: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    approved: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, lines: list[dict[str, Any]]) -> "Told":
        """Return what the lines tell."""
        told, effect_of_call, effect_of_question = cls(), dict[str, str](), dict[str, str]()
        counters = {"EFFECT_STARTED": told.started, "EFFECT_UNKNOWN": told.unknown}
        for line in lines:
            kind, data = line["type"], line["data"]
            if kind == "EFFECT_REQUESTED":
                told.effects.append(data["effectId"])
                effect_of_call[data["callId"]] = data["effectId"]
                if data["taskId"] == "once":
                    told.not_repeatable.add(data["effectId"])
            elif kind in counters:
                counters[kind][data["effectId"]] += 1
            elif kind == "EFFECT_RESOLVED":
                told.resolved.add(data["effectId"])
            elif kind == "BREAKPOINT_REQUESTED":
                effect_of_question[data["breakpointId"]] = effect_of_call[data["callId"].partition("!")[0]]
            elif kind == "BREAKPOINT_RELEASED":
                told.approved[effect_of_question[data["breakpointId"]]] += 1
        return told


class Victim:
    """One run in a workspace of its own, its driver killed and started again until it is done."""

    def __init__(self, folder: Path, name: str, findings: Findings, dice: random.Random) -> None:
        self.name = name
        self.root = make_workspace(folder, ("kill_process.py",))
        (self.root / "ledger").mkdir()
        self.ledger = self.root / "ledger/steps"
        self.journal = self.root / ".a5c/runs" / name / "journal/journal.jsonl"
        self.findings = findings
        self.dice = dice
        self.seen = b""

    def live(self, moments_max: int) -> None:
        """Drive the run to its end, killing its driver at up to that many moments."""
        killed = 0
        while True:
            kills = killed < moments_max
            command = self._resume_command() if self.journal.exists() else self._first_command()
            status = self._drive_once(command, kills=kills)
            if status == -signal.SIGKILL:
                killed += 1
                self.findings.moments += 1
                self._check_after_kill()
            elif status == EXIT_WAITING:
                self._answer_everything()
            elif status == 0:
                break
            else:
                self.findings.bad_journals.append(
                    f"{self.name}: the driver left with {status}: {self._last_words}"
                )
                return
        self.findings.runs += 1
        self._check_at_the_end()

    def _first_command(self) -> list[str]:
        inputs = json.dumps({"steps": STEPS, "path": str(self.ledger)})
        (self.root / "inputs.json").write_text(inputs, encoding="utf-8")
        return ["start", "kill_process.py#fifty", "--inputs", "inputs.json", "--run-id", self.name]

    def _resume_command(self) -> list[str]:
        return ["resume", self.name]

    def _drive_once(self, command: list[str], *, kills: bool) -> int:
        """Start a driver, kill it at a random moment when told to, and return how it ended.

        Half of the moments lie anywhere from the driver's start on; the other half after its first new line,
        because starting takes longer than many steps.
        """
        with (self.root / "driver.txt").open("wb") as words:
            driver = subprocess.Popen(
                [BABYSITTER, *command], cwd=self.root, stdin=subprocess.DEVNULL, stdout=words, stderr=words
            )
            if kills:
                if self.dice.random() < 0.5:
                    self._wait_for_a_line(driver)
                    self._wait_for(driver, self.dice.uniform(0, 0.3))
                else:
                    self._wait_for(driver, self.dice.uniform(0, 0.8))
                if driver.poll() is None:
                    driver.kill()
            try:
                return driver.wait(timeout=DRIVER_S_MAX)
            except subprocess.TimeoutExpired:
                driver.kill()
                driver.wait()
                return 70

    @property
    def _last_words(self) -> str:
        return (self.root / "driver.txt").read_text(encoding="utf-8", errors="replace")[-600:]

    def _wait_for_a_line(self, driver: subprocess.Popen[bytes]) -> None:
        size = self._size()
        deadline = time.monotonic() + DRIVER_S_MAX
        while driver.poll() is None and self._size() == size and time.monotonic() < deadline:
            time.sleep(0.001)

    def _wait_for(self, driver: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            driver.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return

    def _size(self) -> int:
        return self.journal.stat().st_size if self.journal.exists() else 0

    def _answer_everything(self) -> None:
        """Say yes to every question: an approved unknown outcome is run again."""
        for _, data in self._events("BREAKPOINT_REQUESTED"):
            place = f"{self.name}/{data['breakpointId']}"
            subprocess.run(
                [BABYSITTER, "approve", place, "--comment", "run it again"],
                cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip

    def _lines(self) -> list[dict[str, Any]]:
        """Return the whole lines that the journal has; a torn tail is not among them."""
        if not self.journal.exists():
            return []
        lines = []
        for line in self.journal.read_bytes().split(b"\n")[:-1]:
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def _events(self, *types: str) -> list[tuple[str, dict[str, Any]]]:
        return [(line["type"], line["data"]) for line in self._lines() if line["type"] in types]

    def _marks(self) -> Counter[int]:
        if not self.ledger.exists():
            return Counter()
        return Counter(int(line) for line in self.ledger.read_text(encoding="utf-8").split())

    def _check_after_kill(self) -> None:
        whole = self.journal.read_bytes() if self.journal.exists() else b""
        cut = whole.rfind(b"\n") + 1
        if cut > len(self.seen):
            self.findings.hits += 1
        if cut < len(whole):
            self.findings.torn_tails += 1
        if not whole.startswith(self.seen):
            self.findings.lost.append(f"{self.name}: lines that the journal had are gone or changed")
        self.seen = whole[:cut]
        self._check_marks()

    def _check_marks(self) -> None:
        """Hold the ledger against the journal."""
        told = Told.of(self._lines())
        for step, marks in self._marks().items():
            effect = told.effects[step] if step < len(told.effects) else ""
            earlier = told.effects[:step]
            if told.started[effect] == 0 or not told.resolved.issuperset(earlier):
                self.findings.lost.append(
                    f"{self.name}: step {step} left its mark, the journal does not know"
                )
            elif marks > told.started[effect]:
                self.findings.repeats.append(f"{self.name}: step {step} was done {marks} times")
        for effect, attempts in told.started.items():
            if attempts > 1 + told.unknown[effect]:
                self.findings.repeats.append(f"{self.name}: {effect} has {attempts} attempts without a word")
            if effect in told.not_repeatable and attempts > 1 + told.approved[effect]:
                self.findings.repeats.append(f"{self.name}: {effect} was tried again and nobody had said yes")

    def _check_at_the_end(self) -> None:
        self._check_after_kill()
        marks = self._marks()
        missing = [step for step in range(STEPS) if marks[step] == 0]
        if missing:
            self.findings.lost.append(f"{self.name}: completed, but steps {missing} left no mark")
        self.findings.unknown_outcomes += len(self._events("EFFECT_UNKNOWN"))
        verified = subprocess.run(
            [BABYSITTER, "journal", "verify", self.name],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if verified.returncode != 0:
            self.findings.bad_journals.append(
                f"{self.name}: {verified.stdout[-300:]}{verified.stderr[-300:]}"
            )


def kill_at_random(moments: int, folder: Path, seed: int) -> Findings:
    """Kill drivers of as many runs as it takes for that many moments; return what was seen."""
    findings, dice = Findings(seed=seed), random.Random(seed)
    number = 0
    while findings.moments < moments and not findings.bad_journals:
        number += 1
        root = Path(tempfile.mkdtemp(prefix="kill-", dir=folder))
        victim = Victim(root, f"victim-{number}", findings, dice)
        victim.live(min(10, moments - findings.moments))
        # A run with findings is kept: it is the evidence.
        if not (findings.lost or findings.repeats or findings.bad_journals):
            shutil.rmtree(root)
    return findings


def main() -> None:
    """Kill, and print what was seen as one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--moments", type=int, default=300)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else int.from_bytes(os.urandom(4), "big")
    given.dir.mkdir(parents=True, exist_ok=True)
    source = Path(babysitter.__file__).parent
    before = source_sha256(source)
    findings = kill_at_random(given.moments, given.dir, seed).as_json()
    # A driver resumed by other code than it was killed in proves nothing, and accuses nobody.
    print(json.dumps({**findings, "sourceStayedTheSame": source_sha256(source) == before}))


if __name__ == "__main__":
    main()
