"""Checkpoints are read strictly: one text, one meaning."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.log.checkpoint import Checkpoint, parse_checkpoint, read_checkpoint
from babysitter.model.errors import WitnessError
from tests.unit.log.witness.sample_log import SampleLog

ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
lines = st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\x00", exclude_categories=("Cc", "Cs")), min_size=1
)


@given(lines, st.integers(min_value=0, max_value=2**63 - 1), st.lists(lines, max_size=3))
def test_a_checkpoint_comes_back_from_its_text_as_it_was(origin: str, size: int, more: list[str]) -> None:
    made = Checkpoint(origin=origin, size=size, root=ROOT, extension=tuple(more))

    assert parse_checkpoint(made.text) == made


def test_a_signed_checkpoint_is_read_as_note_and_content() -> None:
    log = SampleLog()

    note, checkpoint = read_checkpoint(log.note(7, "an extension"))

    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (log.origin, 7, log.root(7))
    assert checkpoint.extension == ("an extension",)
    assert note.text == checkpoint.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"ours\n3\n{ROOT_TEXT}",
        f"ours\n3\n{ROOT_TEXT}\n\n",
        f"ours\n3\n{ROOT_TEXT}\nmore\n\nmore\n",
        f"\n3\n{ROOT_TEXT}\n",
        f"ours\n\n{ROOT_TEXT}\n",
        f"ours\n03\n{ROOT_TEXT}\n",
        f"ours\n+3\n{ROOT_TEXT}\n",
        f"ours\n-3\n{ROOT_TEXT}\n",
        f"ours\n-0\n{ROOT_TEXT}\n",
        f"ours\n 3\n{ROOT_TEXT}\n",
        f"ours\n3.0\n{ROOT_TEXT}\n",
        f"ours\n1_0\n{ROOT_TEXT}\n",
        f"ours\n\u0663\n{ROOT_TEXT}\n",
        f"ours\n{2**63}\n{ROOT_TEXT}\n",
        f"ours\n{'9' * 5000}\n{ROOT_TEXT}\n",
        f"ours\n3\n{ROOT_TEXT[:-4]}\n",
        f"ours\n3\n{ROOT_TEXT}AAAA\n",
        f"ours\n3\n {ROOT_TEXT}\n",
        f"ours\n3\n{ROOT_TEXT[:-2]}9=\n",
        "ours\n3\n????\n",
        "ours\n3\n\n",
        "ours\n3\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(WitnessError) as refusal:
        parse_checkpoint(text)

    assert refusal.value.hint


def test_a_checkpoint_that_is_not_signed_at_all_is_refused() -> None:
    with pytest.raises(WitnessError):
        read_checkpoint(Checkpoint(origin="ours", size=3, root=ROOT).text)
