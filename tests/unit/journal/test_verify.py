"""Verification finds every change that can be found, names where, and says what it cannot prove."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from babysitter.journal.verify import Verification, verify_run
from babysitter.journal.writer import JournalWriter
from babysitter.model.errors import NotFoundError
from babysitter.model.events import ArtifactWritten, BlobRef, EffectRequested, EffectResolved
from babysitter.model.lines import Chain
from babysitter.model.values import Json
from babysitter.stores.files import FileStore
from babysitter.testing.clocks import FakeClock
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.sample_run import HOLDER, RUN_ID, SHA, sample_masker, write_sample_run
from tests.unit.journal.mutations import Files, is_beyond_a_chain, mutate, sample_files, store_of

MUTATIONS = 1000
SCRIPT = Path(__file__).parents[3] / "docs/how-to/verify.sh"
SEED = int(os.environ.get("BABYSITTER_TEST_SEED", "20260131"))


@pytest.fixture
def files() -> Files:
    return sample_files()


def check(files: Files) -> Verification:
    return verify_run(store_of(files), RUN_ID)


def rechained(files: Files, change: object) -> Files:
    """The run with lines changed and the chain made good again: what only grammar and digests can show."""
    chain, lines = Chain(), []
    for record in Chain().read(files[JOURNAL]):
        kind, data = change(record.seq, record.type, record.data)  # type: ignore[operator]
        if kind:
            lines.append(chain.line(kind, record.recorded_at, data))
    return {**files, JOURNAL: b"".join(lines)}


def test_a_whole_run_verifies(files: Files) -> None:
    result = check(files)

    assert result.ok, result.problems
    assert result.ended
    assert result.lines == files[JOURNAL].count(b"\n")
    assert result.first_bad is None
    assert str(result.lines) in result.unproven[0]


@pytest.mark.promise("G23")
def test_no_single_mutation_passes_but_those_that_a_chain_alone_cannot_show(files: Files) -> None:
    dice = random.Random(SEED)
    passed: dict[str, int] = {}

    for nth in range(MUTATIONS):
        mutation = mutate(files, dice)
        excuse = is_beyond_a_chain(files, mutation)
        result = check(mutation.files)
        where = f"seed {SEED}, mutation {nth}: {mutation.name} of {mutation.path}"
        if excuse in {"whole trailing lines removed", "the same value"}:
            assert result.ok, f"{where}: {result.problems}"
        elif excuse is None:
            assert not result.ok, f"{where} passed"
        if result.ok:
            assert excuse is not None
            passed[excuse] = passed.get(excuse, 0) + 1

    assert set(passed) >= {"whole trailing lines removed", "the last line itself changed"}, (
        "the dice met every class"
    )


@pytest.mark.parametrize("line", [1, 9, 22])
def test_the_first_bad_line_is_named(files: Files, line: int) -> None:
    lines = files[JOURNAL].splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"seq":', b'"seq" :')

    result = check({**files, JOURNAL: b"".join(lines)})

    assert result.first_bad == line
    assert result.lines == line - 1


def test_a_torn_tail_is_told_and_left(files: Files) -> None:
    store = store_of({**files, JOURNAL: files[JOURNAL][:-5]})
    before = dict(store.runs[RUN_ID].files)

    result = verify_run(store, RUN_ID)

    assert not result.ok
    assert "resuming the run cuts this tail off" in result.problems[0].what
    assert store.runs[RUN_ID].files == before


@pytest.mark.parametrize(
    ("kind", "old", "new", "problem"),
    [
        ("EFFECT_STARTED", b"", None, "cannot come here"),
        ("RUN_CREATED", b'"runId":"run-1"', b'"runId":"run-2"', "is of run run-2"),
        ("RUN_CREATED", b'"formatVersion":1', b'"formatVersion":"1"', "is no RUN_CREATED"),
        ("LOG", b'"message":', b'"message": ', "spaces"),
        ("LOG", b'"message":', b'"unknown":1,"message":', "is no LOG"),
        ("EFFECT_REQUESTED", b"make", b"fake", "digest"),
        ("EFFECT_RESOLVED", b"12345", b"12346", "digest"),
        ("CHILD_STARTED", b'{"n":1}', b'{"n":2}', "digest"),
        ("RUN_COMPLETED", b'"done":true', b'"done":false', "digest"),
        (
            "EFFECT_RESOLVED",
            b'"path":"tasks/7-report/result.json"',
            b'"path":"../../out"',
            "not a path below",
        ),
        ("BREAKPOINT_RELEASED", b'["alice"]', b'["bob"]', "did not approve"),
    ],
)
def test_a_run_that_chains_and_still_is_wrong_is_found(
    files: Files, kind: str, old: bytes, new: bytes | None, problem: str
) -> None:
    def change(seq: int, line_kind: str, data: bytes) -> tuple[str, bytes]:
        del seq
        if line_kind != kind:
            return line_kind, data
        return ("", b"") if new is None else (line_kind, data.replace(old, new))

    result = check(rechained(files, change))

    assert not result.ok
    assert any(problem in found.what for found in result.problems), result.problems


@pytest.mark.parametrize(
    "path",
    [
        "evil.sh",
        "journal/journal.jsonl.bak",
        "journal/torn/00000002-0123456789abcdef.bin",
        "tasks/9-never/result.json",
        "tasks/1-build/run.sh",
        "tasks/1-build/deep/result.json",
        "breakpoints/2-deploy/approval-1.json",
        "breakpoints/2-deploy/approval-1.json.sig",
        "artifacts/unknown.md",
        "output.json",
        "state/deep/x",
        "mail/x.sh",
        ".evil.sh.part",
    ],
)
def test_a_file_that_does_not_belong_is_a_problem(files: Files, path: str) -> None:
    result = check({**files, path: b"{}"})

    assert [problem.path for problem in result.problems] == [path]


@pytest.mark.parametrize(
    "path",
    [
        "state/state.json",
        "mail/01A.json",
        "tasks/1-build/stdout.log",
        "tasks/1-build/stdout.3.log",
        "tasks/1-build/task.json",
        "tasks/1-build/.result.json.part",
        "journal/.journal.jsonl.part",
        "tasks/5-child/result.json",
    ],
)
def test_a_file_that_may_stand_there_is_told_as_unproven(files: Files, path: str) -> None:
    extra = {**files, path: b"{}"}
    if path.endswith("/task.json"):
        extra[path] = (
            b'{"effectId":"1-build","callId":"1","taskId":"build","kind":"shell",'
            b'"label":"build with ${secret:env:API_KEY}",'
            b'"environment":null,"critical":false,"labels":["ci","gr\xc3\xb6\xc3\x9fe"],"argsSha256":"'
            + [record.data for record in Chain().read(files[JOURNAL])][2].split(b'argsSha256":"')[1][:64]
            + b'"}'
        )

    result = check(extra)

    assert result.ok, result.problems
    assert len(result.unproven) == (2 if path.endswith("/task.json") else 3)


@pytest.mark.parametrize(
    "path", ["tasks/8-next/input.json", "artifacts/next.md", "breakpoints/8-x/shown.md", "output.json"]
)
def test_a_file_whose_line_a_crash_swallowed_is_honest_in_an_open_run(path: str) -> None:
    store = MemoryStore()
    write_sample_run(store, FakeClock(), ended=False)
    store.runs[RUN_ID].files[path] = b"{}"

    assert verify_run(store, RUN_ID).ok


@pytest.mark.parametrize(
    "path", ["run.json", "inputs.json", "breakpoints/2-deploy/shown.md", "tasks/1-build/stdout.2.log"]
)
def test_a_named_file_must_be_there(files: Files, path: str) -> None:
    del files[path]

    result = check(files)

    assert [problem.path for problem in result.problems] == [path]
    assert result.first_bad is not None


def test_a_path_that_two_lines_name_differently_is_a_problem() -> None:
    store = MemoryStore()
    write_sample_run(store, FakeClock(), ended=False)
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())
    writer.stage(ArtifactWritten(call_id="9", ref=BlobRef(path="artifacts/plan.md", sha256=SHA, bytes=1)))
    writer.commit()
    writer.close()

    result = verify_run(store, RUN_ID)

    assert ["another digest" in problem.what for problem in result.problems] == [True]


def test_a_symlink_in_a_run_is_a_problem(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "runs")
    write_sample_run(store, FakeClock())
    (tmp_path / "runs" / RUN_ID / "state" / "link").symlink_to("/etc/passwd")

    result = verify_run(store, RUN_ID)

    assert [problem.path for problem in result.problems] == ["state/link"]


def test_a_run_that_is_not_there_is_not_verified() -> None:
    with pytest.raises(NotFoundError):
        verify_run(MemoryStore(), RUN_ID)


def script_says(directory: Path) -> tuple[bool, str]:
    done = subprocess.run(["bash", str(SCRIPT), str(directory)], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0, done.stdout + done.stderr


def lay_out(files: Files, directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    for path, data in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)
    return directory


@pytest.mark.needs("jq", "sha256sum", "bash")
def test_the_script_of_standard_tools_agrees_on_a_sample_of_mutations(files: Files, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    place = tmp_path / RUN_ID

    for nth in range(80):
        mutation = mutate(files, dice)
        ours = check(mutation.files)
        theirs, output = script_says(lay_out(mutation.files, place))
        where = f"seed {SEED}, mutation {nth}: {mutation.name} of {mutation.path}"
        assert theirs == ours.ok, f"{where}: ours {ours.problems}, the script's: {output}"


@pytest.mark.needs("jq", "sha256sum", "bash")
@pytest.mark.parametrize("ended", [True, False])
def test_the_script_accepts_a_good_run(tmp_path: Path, ended: bool) -> None:
    store = FileStore(tmp_path / "runs")
    write_sample_run(store, FakeClock(), ended=ended)

    good, output = script_says(tmp_path / "runs" / RUN_ID)

    assert good, output
    assert "BAD" not in output
    assert "jq:" not in output


@pytest.mark.needs("jq", "sha256sum", "bash")
def test_the_script_accepts_whatever_values_a_run_may_hold(tmp_path: Path) -> None:
    awkward = [
        "",
        " ",
        "  a  b ",
        "\\",
        '"',
        "\n\t\r\0\x1f\x7f",
        "ö é 日本 \U0001f600",
        "\u2028",
        "$(id)",
        "`id`",
        "a\\nb",
    ]
    numbers = [0, -1, 2**53 - 1, 1.5, -0.0, 1e22, 1e-7, 5e-324, 1.7e308, 0.1]
    values: list[Json] = [
        *awkward,
        *numbers,
        None,
        True,
        [],
        {},
        [[]],
        {"": ""},
        {" ": [" "]},
        {"ö": {"b": 1, "a": 2}},
        awkward,
    ]
    store = FileStore(tmp_path / "runs")
    write_sample_run(store, FakeClock(), ended=False)
    writer, _ = JournalWriter.open(store, RUN_ID, HOLDER, sample_masker(), FakeClock())
    for n, value in enumerate(values, 20):
        writer.derived(f"tasks/{n}-a/input.json", value)
        writer.stage(
            EffectRequested(
                effect_id=f"{n}-a",
                call_id=str(n),
                task_id="a",
                kind="inline",
                label=str(value),
                args_sha256="",
                task_def_ref="",
                args=value,
            )
        )
        writer.stage(EffectResolved(effect_id=f"{n}-a", attempt=1, status="ok", result=value))
    writer.commit()
    writer.close()

    good, output = script_says(tmp_path / "runs" / RUN_ID)

    assert verify_run(store, RUN_ID).ok
    assert good, output


@pytest.mark.needs("jq", "sha256sum", "bash")
def test_the_script_finds_a_run_that_chains_and_still_is_wrong(files: Files, tmp_path: Path) -> None:
    def without_start(seq: int, kind: str, data: bytes) -> tuple[str, bytes]:
        return ("", b"") if seq == 4 else (kind, data)

    good, output = script_says(lay_out(rechained(files, without_start), tmp_path / RUN_ID))

    assert not good
    assert "cannot come here" in output
