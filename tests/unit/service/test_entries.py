"""ENTRYs: which files a process consists of, that each byte of them counts, and what a wrong one is told."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from babysitter.model.errors import EntryError
from babysitter.service.entries import load_process
from babysitter.service.process.closure import read_sources
from tests.unit.service.authoring import PROCESS

Write = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A workspace, whose modules are forgotten afterwards."""
    before = set(sys.modules)
    made = tmp_path / "workspace"
    made.mkdir()
    yield made
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "entry", "closure"),
    [
        ({"flow.py": PROCESS}, "flow.py", ["flow.py"]),
        ({"flow.py": "import near\n" + PROCESS, "near.py": ""}, "flow.py#main", ["flow.py", "near.py"]),
        (
            {"flow.py": "import near\n" + PROCESS, "near.py": "import far", "far.py": "import near"},
            "flow.py",
            ["far.py", "flow.py", "near.py"],
        ),
        (
            {"a/flow.py": "import near\n" + PROCESS, "a/near.py": "", "near.py": ""},
            "a/flow.py",
            ["a/flow.py", "a/near.py", "near.py"],
        ),
        (
            {"flow.py": "from pack import part\n" + PROCESS, "pack/__init__.py": "", "pack/part.py": ""},
            "flow.py",
            ["flow.py", "pack/__init__.py", "pack/part.py"],
        ),
        (
            {
                "flow.py": "import pack1.part\n" + PROCESS,
                "pack1/__init__.py": "",
                "pack1/part.py": "from .other import X\nfrom . import third\n",
                "pack1/other.py": "X = 1",
                "pack1/third.py": "",
            },
            "flow.py",
            ["flow.py", "pack1/__init__.py", "pack1/other.py", "pack1/part.py", "pack1/third.py"],
        ),
        (
            {
                "flow.py": "def late():\n    import near2\n" + PROCESS,
                "near2.py": "",
            },
            "flow.py",
            ["flow.py", "near2.py"],
        ),
        (
            {"pack2/__init__.py": "import deep2\n", "pack2/flow.py": PROCESS, "deep2.py": ""},
            "pack2.flow:main",
            ["deep2.py", "pack2/__init__.py", "pack2/flow.py"],
        ),
        ({"flow.py": "import json, babysitter\n" + PROCESS}, "flow.py", ["flow.py"]),
    ],
    ids=["alone", "beside", "cycle", "both places", "package", "relative", "late", "module entry", "outside"],
)
def test_the_closure_is_all_that_is_imported_from_inside_the_workspace(
    root: Path, files: dict[str, str], entry: str, closure: list[str]
) -> None:
    write(root, files)

    assert sorted(load_process(entry, root).closure) == closure


def test_installed_packages_and_run_data_are_not_of_the_workspace(root: Path) -> None:
    write(root, {"flow.py": "import thing\n", ".venv/thing.py": "", "site-packages/thing.py": ""})

    assert set(read_sources("flow.py", root).files) == {"flow.py"}


@pytest.mark.promise("G07")
@pytest.mark.parametrize("changed", ["flow.py", "near3.py", "pack3/__init__.py", "pack3/part.py"])
def test_one_byte_of_any_file_of_the_closure_changes_the_digest(root: Path, changed: str) -> None:
    files = {
        "flow.py": "import near3\n" + PROCESS,
        "near3.py": "import pack3.part",
        "pack3/__init__.py": "",
        "pack3/part.py": "",
        "unrelated.py": "",
    }
    write(root, files)
    before = load_process("flow.py", root).digest

    write(root, {"unrelated.py": "#"})
    assert load_process("flow.py", root).digest == before
    write(root, {changed: files[changed] + "#"})
    assert load_process("flow.py", root).digest != before


def test_the_digest_does_not_depend_on_where_the_workspace_is(root: Path, tmp_path: Path) -> None:
    write(root, {"flow.py": PROCESS})
    write(tmp_path / "other", {"flow.py": PROCESS})

    assert load_process("flow.py", root).digest == load_process("flow.py", tmp_path / "other").digest


def test_a_changed_entry_is_the_changed_process(root: Path) -> None:
    write(root, {"flow.py": PROCESS})
    before = load_process("flow.py", root).process
    assert load_process("flow.py", root).process is before

    write(root, {"flow.py": PROCESS.replace("return 1", "return 2")})

    assert load_process("flow.py", root).process is not before


def test_a_changed_import_is_the_changed_import(root: Path) -> None:
    """A driver that lives long must not run old code under the digest of the new."""
    write(root, {"flow.py": "import near4\nVALUE = near4.VALUE\n" + PROCESS, "near4.py": "VALUE = 1"})
    load_process("flow.py", root)

    write(root, {"near4.py": "VALUE = 22"})
    loaded = load_process("flow.py", root)

    assert loaded.process.function.__globals__["VALUE"] == 22


def test_secrets_that_the_closure_names_are_found(root: Path) -> None:
    near = 'from babysitter.model.secret import secret\nfrom babysitter import model\nX = secret("env:ONE")\n'
    write(root, {"flow.py": "import near5\n" + PROCESS, "near5.py": near})

    assert load_process("flow.py", root).secrets == ("env:ONE",)


@pytest.mark.parametrize("text", ['form.secret("Your password:")', 'secret("no-scheme")'])
def test_another_function_called_secret_declares_nothing(root: Path, text: str) -> None:
    write(root, {"flow.py": f"def later(form, secret):\n    {text}\n" + PROCESS})

    assert load_process("flow.py", root).secrets == ()


TWO = PROCESS + PROCESS.replace("main", "other").replace("from", "# from")


@pytest.mark.parametrize(
    ("text", "entry", "what", "where"),
    [
        (PROCESS, "gone.py", "there is no file", "gone.py"),
        # Whoever starts runs by a server may not learn which files there are elsewhere.
        (PROCESS, "../gone.py", "lies outside the workspace", "../gone.py"),
        (PROCESS, "/etc/gone.py", "lies outside the workspace", "/etc/gone.py"),
        (PROCESS, "a/" * 3000 + "x.py", "there is no file", "x.py"),
        (PROCESS, "\0.py", "there is no file", "\0.py"),
        (PROCESS, "../outside.py", "lies outside the workspace", "../outside.py"),
        ("def broken(:\n", "flow.py", "SyntaxError", "flow.py:1"),
        ("\n\n1 / 0\n", "flow.py", "ZeroDivisionError", "flow.py:3"),
        ("import nothing_of_that_name\n", "flow.py", "nothing_of_that_name", "flow.py:1"),
        ("raise SystemExit(3)\n", "flow.py", "SystemExit", "flow.py:1"),
        ("x = 1\n", "flow.py", "0 processes", "none"),
        (TWO, "flow.py", "2 processes", "main, other"),
        (PROCESS, "flow.py#nobody", "names no process", "main"),
        (PROCESS, "no.such.module:main", "there is no module", "no.such.module"),
        (PROCESS, "json:main", "there is no module json in the workspace", "json"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_an_entry_that_names_no_process_is_told_what_where_and_what_to_do(
    root: Path, text: str, entry: str, what: str, where: str
) -> None:
    write(root, {"flow.py": text})
    (root.parent / "outside.py").write_text(PROCESS)

    with pytest.raises(EntryError) as refusal:
        load_process(entry, root)

    assert what in refusal.value.message
    assert where in refusal.value.message
    assert refusal.value.hint
    assert "Traceback" not in str(refusal.value)


def test_an_entry_is_kept_in_a_form_that_loads_the_same_again(root: Path) -> None:
    write(root, {"pack6/__init__.py": "", "pack6/pyflow.py": PROCESS, "flow.py": PROCESS})

    forms = {
        entry: load_process(entry, root).entry for entry in ("flow.py", "./flow.py#main", "pack6.pyflow:main")
    }

    assert forms == {
        "flow.py": "flow.py#main",
        "./flow.py#main": "flow.py#main",
        "pack6.pyflow:main": "pack6.pyflow:main",
    }
