"""The page about the log tells the truth: it names every leaf and field, and its commands give the root."""

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from babysitter.log.checkpoint import read_checkpoint
from babysitter.log.leaves import LEAF_TYPES, SignedBy, leaf_of
from babysitter.log.run_keys import progress_text, seal_text
from babysitter.model.lines import Chain
from tests.unit.log.logs import filled

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "log.md").read_text(encoding="utf-8")


def block(kind: str, number: int = 0) -> str:
    """Return a fenced block of the page, of those of one kind."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [str(text) for named, text in fenced if named == kind][number]


def row_of(kind: str) -> str:
    return next(line for line in PAGE.splitlines() if re.match(rf"\| [^|]*`{re.escape(kind)}`", line))


@pytest.mark.parametrize("kind", LEAF_TYPES)
def test_every_leaf_stands_on_the_page_with_its_fields(kind: str) -> None:
    fields = msgspec.structs.fields(LEAF_TYPES[kind])
    wanted = {field.encode_name + "?" * (not field.required) for field in fields}

    named = set(re.findall(r"`([A-Za-z0-9]+\??)`", row_of(kind).split("|")[3]))

    extra = {"seq"} | {field.encode_name for field in msgspec.structs.fields(SignedBy)}
    assert wanted <= named
    assert named - wanted <= extra


def test_the_line_of_the_page_is_one() -> None:
    (record,) = Chain().read(block("json").encode())

    assert leaf_of(record).type == "run.held"


@pytest.mark.needs("openssl", "xxd")
def test_the_commands_of_the_page_give_the_root_that_was_signed(tmp_path: Path) -> None:
    log = filled(tmp_path / "log", 2)

    done = subprocess.run(
        ["bash", "-c", block("sh")], cwd=log.folder, capture_output=True, text=True, check=True
    )

    computed, signed = done.stdout.split()
    assert computed == signed
    assert read_checkpoint(str(log.checkpoint()))[1].size == 2


def test_what_a_run_key_signs_is_what_the_page_says() -> None:
    lines = [line.split("  ")[0] for line in block("", -1).splitlines()]
    values = {"<runId>": "r", "<seq>": "7", "<prefix>": "ab", "<status>": "failed", "progress": "sealed"}
    filled_in = [values.get(line, line) for line in lines]

    assert "\n".join([*filled_in, ""]).encode() == seal_text("r", 7, "ab", "failed")
    values["progress"] = "progress"
    filled_in = [values.get(line, line) for line in lines[:-1]]
    assert "\n".join([*filled_in, ""]).encode() == progress_text("r", 7, "ab")


def test_every_file_of_the_folder_stands_on_the_page(tmp_path: Path) -> None:
    log = filled(tmp_path / "log", 2)

    names = [path.name for path in log.folder.iterdir()]

    assert [name for name in names if f"  {name} " not in block("")] == []
