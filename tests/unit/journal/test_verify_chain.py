"""The fast ways of verification refuse what slow ones refuse, and the chain alone says that it is alone."""

import hashlib
import os
import random
import re

import pytest

from babysitter.journal.derived import derived_files
from babysitter.journal.verify import verify_chain, verify_run
from babysitter.model.errors import NotFoundError
from babysitter.model.events import EffectRequested, EffectResolved
from babysitter.model.lines import BrokenLineError, Chain, seq_of
from babysitter.service.verifying import verify_runs
from babysitter.testing.memory_store import JOURNAL, MemoryStore
from babysitter.testing.sample_run import RUN_ID
from tests.unit.journal.mutations import Files, mutate, sample_files, store_of
from tests.unit.journal.test_verify import check, rechained

MUTATIONS = 400
SEED = int(os.environ.get("BABYSITTER_TEST_SEED", "20260131"))
AS_DOCUMENTED = re.compile(
    rb'\{"seq":([1-9][0-9]{0,15}),"prefix":"([0-9a-f]{64})","type":"[A-Za-z][A-Za-z_.]{0,63}",'
    rb'"recordedAt":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z",'
    rb'"data":(\{[^\x00\n]*\})\}\n'
)
"""A line as docs/reference/journal.md has it: one pattern, nothing that makes it fast."""


@pytest.fixture
def files() -> Files:
    return sample_files()


def good_lines(data: bytes) -> list[bytes]:
    """Return the data of the lines that continue the chain, found in the slow and plain way."""
    good: list[bytes] = []
    before = b""
    for line in re.findall(rb"[^\n]*\n|[^\n]+$", data):
        found = AS_DOCUMENTED.fullmatch(line)
        if found is None or int(found[1]) != len(good) + 1:
            break
        if found[2].decode() != hashlib.sha256(before).hexdigest():
            break
        good.append(found[3])
        before += line
    return good


def changed(files: Files, kind: str, old: bytes, new: bytes) -> Files:
    """Return the run with one type's data changed and the chain made good again."""

    def change(seq: int, line_kind: str, data: bytes) -> tuple[str, bytes]:
        del seq
        return line_kind, data.replace(old, new) if line_kind == kind else data

    result = rechained(files, change)
    assert result != files
    return result


def test_the_chain_of_a_whole_run_verifies_and_says_that_it_is_all_that_was_checked(files: Files) -> None:
    result = verify_chain(store_of(files), RUN_ID)

    assert result.ok, result.problems
    assert result.checked == "chain"
    assert result.ended
    assert result.lines == files[JOURNAL].count(b"\n")
    assert "only the chain" in result.unproven[0]
    assert check(files).checked == "everything"


def test_the_reader_takes_the_lines_that_the_plain_pattern_takes_whatever_is_changed(files: Files) -> None:
    dice = random.Random(SEED)

    for nth in range(MUTATIONS):
        mutation = mutate(files, dice)
        data, chain = mutation.files[JOURNAL], Chain()
        read: list[bytes] = []
        stopped_at = None
        try:
            read.extend(record.data for record in chain.read(data))
        except BrokenLineError as broken:
            stopped_at = (broken.seq, broken.offset)
        where = f"seed {SEED}, mutation {nth}: {mutation.name} of {mutation.path}"
        assert read == good_lines(data), where
        assert stopped_at == (None if chain.offset == len(data) else (len(read) + 1, chain.offset)), where


def test_the_chain_alone_finds_every_broken_line_that_the_whole_check_finds(files: Files) -> None:
    dice = random.Random(SEED)
    found = 0

    for nth in range(MUTATIONS):
        store = store_of(mutate(files, dice).files)
        alone, whole = verify_chain(store, RUN_ID), verify_run(store, RUN_ID)
        found += not alone.ok
        assert alone.lines == whole.lines, f"seed {SEED}, mutation {nth}"
        assert set(alone.problems) <= set(whole.problems), f"seed {SEED}, mutation {nth}"
        assert alone.ok or alone.first_bad == alone.lines + 1

    assert found > MUTATIONS // 4, "the dice broke many chains"


@pytest.mark.parametrize("at_end", [b"\0", b"\r", b" ", b"{}", b"\n", b"\xff", b'{"seq":24'])
def test_bytes_after_the_last_line_are_a_broken_line(files: Files, at_end: bytes) -> None:
    result = verify_chain(store_of({**files, JOURNAL: files[JOURNAL] + at_end}), RUN_ID)

    assert not result.ok
    assert result.first_bad == result.lines + 1


@pytest.mark.parametrize("line", [1, 12, 23])
def test_a_nul_byte_in_a_line_that_else_is_good_is_found_and_the_lines_before_it_stand(line: int) -> None:
    chain, values = Chain(), [b'{"x":"\0"}' if seq == line else b"{}" for seq in range(1, 24)]
    lines = [chain.line("LOG", "2026-01-31T10:15:30.123456Z", value) for value in values]
    store = MemoryStore()
    store.create(RUN_ID, {}, b"".join(lines))

    result = verify_chain(store, RUN_ID)

    assert result.lines == line - 1
    assert "NUL" in result.problems[0].what


def test_the_chain_alone_says_nothing_of_files_and_of_what_lines_mean(files: Files) -> None:
    del files["run.json"]
    wrong = changed(files, "EFFECT_REQUESTED", b"make", b"fake")

    alone, whole = verify_chain(store_of(wrong), RUN_ID), check(wrong)

    assert alone.ok
    assert not whole.ok


def test_an_empty_journal_has_no_chain(files: Files) -> None:
    result = verify_chain(store_of({**files, JOURNAL: b""}), RUN_ID)

    assert [problem.what for problem in result.problems] == ["the journal is empty"]
    assert not result.ended


def test_the_chain_of_a_run_that_is_not_there_is_not_verified() -> None:
    with pytest.raises(NotFoundError):
        verify_chain(MemoryStore(), RUN_ID)


@pytest.mark.parametrize(("chain_only", "checked"), [(True, "chain"), (False, "everything")])
def test_a_view_says_how_much_was_checked(files: Files, chain_only: bool, checked: str) -> None:
    views = verify_runs(store_of(files), [RUN_ID], chain_only=chain_only)

    assert [(view.checked, view.ok) for view in views] == [(checked, True)]


@pytest.mark.parametrize("depth", [65, 300, 900, 100_000])
def test_a_value_nested_too_deeply_is_a_problem_and_no_crash(files: Files, depth: int) -> None:
    result = check(
        changed(files, "EFFECT_REQUESTED", b'["make","dist"]', b"[" * depth + b"1.5" + b"]" * depth)
    )

    assert result.first_bad == 3


def test_a_line_that_our_encoder_would_write_otherwise_may_still_have_no_spaces(files: Files) -> None:
    """Byte equality is the fast way to see that there are none, and not a rule of its own."""
    good = changed(files, "EFFECT_STARTED", b'"attempt":1', b'"attempt":1,"approval":null')

    assert check(good).ok, check(good).problems


@pytest.mark.parametrize(
    "new", [b'"message": ', b'"fields":{"n":1 },"message":', b'"fields":{"n":1e2,"m":\t1},"message":']
)
def test_a_space_between_values_is_found_wherever_it_stands(files: Files, new: bytes) -> None:
    result = check(changed(files, "LOG", b'"message":', new))

    assert any("spaces" in problem.what for problem in result.problems), result.problems


def test_spaces_are_told_beside_data_that_are_not_of_their_type(files: Files) -> None:
    result = check(changed(files, "LOG", b'"message":', b'"message": 1, "text":'))

    whats = [problem.what for problem in result.problems]
    assert ["spaces" in what or "is no LOG" in what for what in whats] == [True, True], whats


def test_an_outcome_of_an_attempt_that_is_over_is_found(files: Files) -> None:
    result = check(changed(files, "EFFECT_RESOLVED", b'"attempt":2', b'"attempt":1'))

    assert any("not the one under way" in problem.what for problem in result.problems), result.problems


def test_a_space_in_a_line_that_cannot_be_encoded_again_is_found(files: Files) -> None:
    result = check(changed(files, "LOG", b'"message":', b'"fields":[1' + b"0" * 30 + b', 1],"message":'))

    assert ["spaces" in problem.what for problem in result.problems] == [True], result.problems


@pytest.mark.parametrize("integer", [2**53 + 1, 10**30])
def test_a_file_is_not_taken_for_a_value_that_no_file_can_hold(files: Files, integer: int) -> None:
    """Neither has a canonical form; that two things have none does not make them equal."""
    path = "tasks/1-build/result.json"
    wrong = changed(files, "EFFECT_RESOLVED", b"12345", str(integer).encode())

    result = check({**wrong, path: b"no JSON at all"})

    assert path in [problem.path for problem in result.problems]


def test_a_file_says_the_same_in_whatever_order_and_spacing(files: Files) -> None:
    path = "tasks/1-build/input.json"

    assert check({**files, path: b'{ "argv" : ["make","\\u0064ist"] }'}).ok
    assert not check({**files, path: b'{"argv":["make","dust"]}'}).ok


def test_what_shows_an_effect_stands_in_its_own_folder() -> None:
    """Claims looks for such files only where that folder is."""
    requested = EffectRequested(
        effect_id="1-a",
        call_id="1",
        task_id="a",
        kind="shell",
        label="",
        args_sha256="",
        task_def_ref="",
    )
    resolved = EffectResolved(effect_id="1-a", attempt=1, status="ok", result=1)

    paths = [path for event in (requested, resolved) for path, _ in derived_files(event)]

    assert len(paths) == 3
    assert all(path.rpartition("/")[0] == "tasks/1-a" for path in paths)


def test_a_line_with_a_nul_byte_in_it_has_no_number() -> None:
    """Recovery asks for the number to tell whole lines from torn ones."""
    line = Chain().line("LOG", "2026-01-31T10:15:30.123456Z", b'{"x":"\0"}')

    assert seq_of(line) is None
    assert seq_of(line.replace(b"\0", b"0")) == 1
