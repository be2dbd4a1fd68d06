"""The process that comes with the product: nobody's word is needed for it, and nothing takes its place."""

from pathlib import Path

import pytest

from babysitter.model.errors import RefusedError
from babysitter.service.entries import load_admitted
from babysitter.service.process.closure import ASK, read_sources
from babysitter.service.process_trust import Trusting
from babysitter.service.wiring import open_workspace

pytestmark = [pytest.mark.promise("G07")]
DIGEST = "122ade3e9d07ca13a69448e6776b6c2be0675532e66586e7fca7e044e97c9ade"
"""A question that waits goes on under this digest alone: another one strands every question that waits."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "babysitter.toml").write_text('[trust]\nlocal = "deny"\n', encoding="utf-8")
    return tmp_path


def test_it_is_admitted_where_nobody_has_trusted_anything(root: Path) -> None:
    loaded = load_admitted(open_workspace(root).admission, ASK, root)

    assert (loaded.entry, loaded.process.process_id) == (ASK, "babysitter-ask")
    assert loaded.admitted is not None
    assert (loaded.admitted.method, loaded.admitted.by) == ("built-in", ("babysitter",))
    assert loaded.digest == DIGEST


def test_a_workspaces_own_module_of_that_name_does_not_take_its_place(root: Path) -> None:
    package = root / "babysitter"
    package.mkdir()
    evil = "from babysitter import process\n@process\nasync def ask(ctx):\n    return 'evil'\n"
    (package / "__init__.py").write_text(evil, encoding="utf-8")
    (root / "babysitter.py").write_text(evil, encoding="utf-8")

    assert load_admitted(open_workspace(root).admission, ASK, root).digest == DIGEST


@pytest.mark.parametrize("entry", ["babysitter.py#ask", "babysitter/__init__.py#ask"])
def test_what_only_looks_like_it_is_not_built_in(root: Path, entry: str) -> None:
    path = root / entry.partition("#")[0]
    path.parent.mkdir(exist_ok=True)
    path.write_text("from babysitter import process\n@process\nasync def ask(ctx): ...\n", encoding="utf-8")

    assert not read_sources(entry, root).is_built_in


def test_nobody_gives_their_word_for_it(root: Path) -> None:
    (root / "babysitter.toml").write_text("", encoding="utf-8")

    with pytest.raises(RefusedError, match="comes with Babysitter"):
        Trusting(open_workspace(root)).trust(ASK, with_bandit=False)
