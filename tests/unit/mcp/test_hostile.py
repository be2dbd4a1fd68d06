"""Whatever a client sends, it gets a result or a refusal with a code of ours; the server stands."""

import os
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.mcp import arguments
from babysitter.mcp.stdio import LINE_BYTES_MAX, split_lines
from babysitter.mcp.tools import TOOLS
from babysitter.model.errors import BabysitterError
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.mcp.callers import Token, call, calls
from tests.unit.service.runs import create, resume, workspace

CAMEL = [
    "runId", "effectId", "breakpoint", "entry", "inputs", "drive", "seconds", "after", "types", "limit",
    "paths", "exclude", "task", "value", "error", "stdout", "pending", "decision", "statement", "signature",
]  # fmt: skip
TEXTS = st.text(max_size=20) | st.sampled_from(
    ["r", "last", "r/1", "", "..", "../..", "/", "p.py", "processes.py#building", "a\0b", "a\nb", "x" * 5000,
     "os:system", "babysitter.cli.main:main", "1-deploy", "$secret", "${secret:env:HOME}", "é\u202e", "*"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.sampled_from(CAMEL) | st.text(max_size=8), VALUES, max_size=5)


@pytest.fixture(scope="module")
def place() -> FakeWorkspace:
    place = workspace()
    create(place, "deploying", ["here"])
    resume(place)
    return place


@settings(max_examples=15)
@given(wanted=st.lists(st.tuples(st.sampled_from([tool.name for tool in TOOLS]), ARGUMENTS), max_size=12))
def test_any_arguments_end_in_a_result_or_a_refusal_and_the_session_goes_on(
    place: FakeWorkspace, wanted: list[tuple[str, dict[str, Any]]]
) -> None:
    # Entering what is inside of a workspace is tested elsewhere; here it would scan the tests' own folder.
    wanted = [(name, {**given_, "paths": [".."]} if name == "scan" else given_) for name, given_ in wanted]

    results = calls(place, Token(person="alice"), [*wanted, ("run_status", {"runId": "r"})])

    for result in results:
        assert result.error is None or result.error["code"] != "defect", result
        assert "Traceback" not in str(result)
    assert results[-1].value["runId"] == "r"


@given(kind=st.sampled_from([tool.takes for tool in TOOLS]), value=VALUES | st.floats() | ARGUMENTS)
def test_arguments_are_read_or_refused_with_a_sentence(kind: type[arguments.Arguments], value: Any) -> None:
    read: arguments.Arguments | None = None
    refusal: BabysitterError | None = None
    try:
        read = arguments.read_arguments(kind, value)
    except BabysitterError as error:
        refusal = error

    assert refusal is not None or isinstance(read, kind)
    assert refusal is None or (refusal.code.startswith("usage") and refusal.hint)


@pytest.mark.parametrize(
    "value",
    [float("nan"), 2**70, "\ud800", {"a": {"b": "\udfff"}}],
    ids=["nan", "too great", "half a character", "half a character within"],
)
def test_what_is_no_json_that_survives_is_refused(value: object) -> None:
    with pytest.raises(BabysitterError):
        arguments.read_arguments(arguments.StartRun, {"entry": "p.py", "inputs": value})


def test_nesting_beyond_reason_and_too_much_are_refused_and_the_session_goes_on(place: FakeWorkspace) -> None:
    deep: Any = None
    for _ in range(100):
        deep = [deep]
    much = "x" * (arguments.ARGUMENTS_BYTES_MAX + 1)

    too_deep, too_much, fine = calls(
        place,
        Token(),
        [
            ("run_start", {"entry": "processes.py#building", "inputs": deep}),
            ("run_start", {"entry": "processes.py#building", "inputs": much}),
            ("run_status", {"runId": "r"}),
        ],
    )

    assert too_deep.error is not None
    assert too_much.error is not None
    assert "nested" in too_deep.error["message"]
    assert "MiB" in too_much.error["message"]
    assert fine.value["runId"] == "r"


def test_code_that_wants_to_end_the_program_ends_only_its_call(tmp_path: Any) -> None:
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(7)\n", encoding="utf-8")

    refused = call(FakeWorkspace(tmp_path), Token(), "run_start", entry="leaving.py")

    assert refused.error is not None
    assert refused.error["code"] != "defect"


def test_a_defect_tells_its_place_and_not_what_it_was_about(monkeypatch: pytest.MonkeyPatch) -> None:
    place = workspace()

    def failing() -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr(place.store, "run_ids", failing)
    refused = call(place, Token(), "run_status", runId="r")

    assert refused.error is not None
    assert refused.error["code"] == "defect"
    assert "hunter2" not in str(refused.error)
    assert "test_hostile.py" in refused.error["message"]


@given(lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=8))
def test_lines_come_whole_however_they_are_cut(lines: list[bytes]) -> None:
    reads, writes = os.pipe()

    def write() -> None:
        data = b"\n".join(lines)
        for at in range(0, len(data), 7):
            os.write(writes, data[at : at + 7])
        os.close(writes)

    writer = threading.Thread(target=write)
    writer.start()
    found = list(split_lines(reads))
    writer.join()
    os.close(reads)

    assert found == [line.decode("utf-8", "replace") for line in lines if line.strip()]


def test_a_line_without_end_is_given_up() -> None:
    reads, writes = os.pipe()

    def write() -> None:
        try:
            for _ in range(LINE_BYTES_MAX // 65536 + 2):
                os.write(writes, b"x" * 65536)
        except BrokenPipeError:
            return
        finally:
            os.close(writes)

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(ValueError, match=r"\d"):
        list(split_lines(reads))
    os.close(reads)
    writer.join()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_argument_is_bounded(tool: Any) -> None:
    """A text or a list without a limit in a schema fills memory. Any JSON is bounded as a whole."""
    schema = tool.listed().input_schema

    def unbounded(part: Any, path: str) -> list[str]:
        if isinstance(part, list):
            return [found for item in part for found in unbounded(item, path)]
        if not isinstance(part, dict):
            return []
        bad = []
        if part.get("type") == "string" and not ("maxLength" in part or "enum" in part):
            bad.append(path)
        if part.get("type") == "array" and "maxItems" not in part:
            bad.append(path)
        if part.get("type") in ("number", "integer") and "minimum" not in part:
            bad.append(path)
        return bad + [found for key, value in part.items() for found in unbounded(value, f"{path}.{key}")]

    assert unbounded(schema, tool.name) == []
    assert msgspec.json.encode(schema)
