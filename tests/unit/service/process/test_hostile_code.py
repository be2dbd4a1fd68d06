"""Code of somebody who wants it run, or us harmed: links, pipes, depth, libraries that import for it."""

import os
import sys
from pathlib import Path

import pytest

from babysitter.model.errors import EntryError, RefusedError
from babysitter.service.entries import load_process
from babysitter.service.process.closure import read_sources
from babysitter.service.process_review import Reviewing
from babysitter.service.process_trust import Trusting
from tests.unit.service.authoring import PROCESS
from tests.unit.service.process.places import TrustPlace
from tests.unit.service.process.test_importing import root, write

pytestmark = pytest.mark.promise("G07")
__all__ = ["root"]


def test_taking_trust_back_removes_nothing_behind_a_link(tmp_path: Path) -> None:
    """``babysitter.trust`` comes with the code; its ``sources`` may lead into somebody's home."""
    place = TrustPlace(tmp_path).with_signers()
    place.trust()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    (precious / ("0" * 64)).write_text("years of work too")
    sources = place.root / "babysitter.trust" / "sources"
    sources.rename(tmp_path / "before")
    sources.symlink_to(precious)

    with pytest.raises(RefusedError, match=r"babysitter\.trust/sources is a link"):
        Trusting(place).untrust("flow.py")

    assert len(list(precious.iterdir())) == 2


def test_trust_is_not_written_behind_a_link(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    (tmp_path / "elsewhere").mkdir()
    (place.root / "babysitter.trust").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match=r"babysitter\.trust is a link"):
        place.trust()

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_is_no_content_of_ours_stays_where_trust_is_kept(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust()
    note = place.root / "babysitter.trust" / "sources" / "README"
    note.write_text("ours")

    Trusting(place).untrust("flow.py")

    assert [path.name for path in note.parent.iterdir()] == ["README"]


@pytest.mark.parametrize("text", ["x = " + "-" * 100_000 + "1\n", "x = 1" + "+1" * 100_000 + "\n"])
def test_code_that_is_too_deep_to_be_read_is_refused_and_named(root: Path, text: str) -> None:
    write(root, {"flow.py": "import deep\n" + PROCESS, "deep.py": text})

    with pytest.raises(EntryError, match=r"deep\.py is nested more deeply"):
        read_sources("flow.py", root)


@pytest.mark.parametrize("coding", ["utf-7", "latin-1", "cp037", "rot13", "idna"])
def test_code_that_python_would_read_as_another_text_is_refused(root: Path, coding: str) -> None:
    """In UTF-7 the comment below is a call: no reader, and no scanner of text, sees it."""
    hidden = "# coding: {}\n# +AAo-import os+AAo-os.system('x')\n"
    write(root, {"flow.py": "import hidden\n" + PROCESS, "hidden.py": hidden.format(coding)})

    with pytest.raises(EntryError, match=r"hidden\.py"):
        read_sources("flow.py", root)


@pytest.mark.parametrize("coding", ["utf-8", "UTF8", "ascii", "us-ascii"])
def test_a_coding_line_that_changes_nothing_is_no_obstacle(root: Path, coding: str) -> None:
    write(root, {"flow.py": f"# coding: {coding}\n{PROCESS}"})

    assert set(read_sources("flow.py", root).files) == {"flow.py"}


def test_code_that_is_too_deep_to_be_scanned_is_refused(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    deep = f"from babysitter import task\n@task(sandbox={'+'.join('a' * 900)})\ndef f(): ...\n"
    place.write("flow.py", PROCESS + deep)

    with pytest.raises(EntryError, match="nested more deeply"):
        Reviewing(place).review("flow.py", with_bandit=False)


def test_a_pipe_and_a_link_to_itself_in_the_place_of_a_module_hold_nobody_up(root: Path) -> None:
    write(root, {"flow.py": "try:\n    import pipe, loop\nexcept ImportError:\n    pass\n" + PROCESS})
    os.mkfifo(root / "pipe.py")
    (root / "loop.py").symlink_to("loop.py")

    assert set(read_sources("flow.py", root).files) == {"flow.py"}
    with pytest.raises(EntryError, match="there is no file"):
        read_sources("loop.py", root)


@pytest.mark.parametrize(
    "line", ["resolve_name('unread:VALUE')", "importlib.util.find_spec('unread') and resolve_name('unread')"]
)
def test_a_library_that_imports_for_a_process_gets_no_module_that_nobody_has_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """As after ``pip install -e``: the workspace is where everybody imports from."""
    monkeypatch.setattr(sys, "path", [str(root), *sys.path])
    write(
        root,
        {
            "flow.py": f"import importlib.util\nfrom pkgutil import resolve_name\n{line}\n{PROCESS}",
            "unread.py": "VALUE = 1\n",
        },
    )

    with pytest.raises(EntryError, match="nobody has reviewed it"):
        load_process("flow.py", root)


def test_a_library_that_imports_for_a_process_gets_what_was_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(root), *sys.path])
    late = "def late():\n    from pkgutil import resolve_name\n    return resolve_name('near_b:VALUE')\n"
    write(root, {"flow.py": f"if 0:\n    import near_b\n{late}{PROCESS}", "near_b.py": "VALUE = 'read'\n"})
    loaded = load_process("flow.py", root)

    write(root, {"near_b.py": "VALUE = 'since then'\n"})

    assert loaded.process.function.__globals__["late"]() == "read"
