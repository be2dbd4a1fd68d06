"""What is imported is what was digested, and nothing of the workspace besides."""

import importlib
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.model.errors import EntryError
from babysitter.service.entries import load_process, load_sources
from babysitter.service.process.closure import covered, read_sources
from tests.unit.service.authoring import PROCESS

pytestmark = pytest.mark.promise("G07")


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


def test_what_changes_after_it_was_digested_does_not_run(root: Path) -> None:
    write(
        root, {"flow.py": "import helper_a\nSAID = helper_a.SAID\n" + PROCESS, "helper_a.py": "SAID = 'good'"}
    )
    sources = read_sources("flow.py", root)

    write(root, {"flow.py": "1 / 0\n", "helper_a.py": "raise SystemExit('evil')"})
    loaded = load_sources(sources)

    assert loaded.process.function.__globals__["SAID"] == "good"
    assert loaded.digest == sources.digest != read_sources("flow.py", root).digest


def test_an_import_inside_a_function_gets_the_digested_bytes_too(root: Path) -> None:
    late = "def later():\n    import helper_b\n    return helper_b.SAID\n"
    write(root, {"flow.py": late + PROCESS, "helper_b.py": "SAID = 'good'"})
    loaded = load_process("flow.py", root)

    write(root, {"helper_b.py": "SAID = 'evil'"})

    assert loaded.process.function.__globals__["later"]() == "good"


def test_bytecode_of_a_clone_is_never_run_in_place_of_its_source(root: Path) -> None:
    """A .pyc of another text that is said to be of this one: its time and its size agree."""
    write(
        root, {"flow.py": "import helper_c\nSAID = helper_c.SAID\n" + PROCESS, "helper_c.py": "SAID = 'evil'"}
    )
    source = root / "helper_c.py"
    cached = py_compile.compile(str(source), doraise=True)
    facts = source.stat()
    source.write_text("SAID = 'good'")
    import os

    os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert cached is not None
    assert source.stat().st_size == facts.st_size

    assert load_process("flow.py", root).process.function.__globals__["SAID"] == "good"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import importlib\nimportlib.import_module('unread' + '_d')\n", "a computed name"),
        (
            "import sys, importlib\nsys.path.insert(0, PLACE)\nimportlib.import_module('un'+'read_d')\n",
            "a path",
        ),
        ("__import__('_'.join(['unread', 'd']))\n", "a builtin"),
    ],
)
def test_a_module_of_the_workspace_that_no_import_names_does_not_load(
    root: Path, text: str, what: str
) -> None:
    write(root, {"flow.py": text.replace("PLACE", repr(str(root))) + PROCESS, "unread_d.py": "RAN = 1"})
    sys.path.insert(0, str(root))
    try:
        with pytest.raises(EntryError, match=r"nobody has reviewed it|No module named"):
            load_process("flow.py", root)
    finally:
        sys.path[:] = [folder for folder in sys.path if folder != str(root)]

    assert "unread_d" not in sys.modules, what


def test_a_module_beside_the_process_hides_nothing_from_our_own_code(root: Path) -> None:
    write(root, {"flow.py": PROCESS, "helper_e.py": "RAN = 1"})
    load_process("flow.py", root)

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("helper_e")


def test_a_literal_name_is_an_import_as_any_other(root: Path) -> None:
    text = "import importlib\nSAID = importlib.import_module('helper_f').SAID\n"
    write(root, {"flow.py": text + PROCESS, "helper_f.py": "SAID = 'read'"})

    loaded = load_process("flow.py", root)

    assert loaded.process.function.__globals__["SAID"] == "read"
    assert set(loaded.closure) == {"flow.py", "helper_f.py"}


def test_a_folder_of_the_workspace_that_is_on_the_path_is_part_of_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an editable install of a project with its sources below src."""
    write(
        root,
        {
            "flow.py": "from project_g import work\n" + PROCESS,
            "src/project_g/__init__.py": "",
            "src/project_g/work.py": "",
        },
    )
    monkeypatch.syspath_prepend(str(root / "src"))

    assert set(read_sources("flow.py", root).files) == {
        "flow.py",
        "src/project_g/__init__.py",
        "src/project_g/work.py",
    }
    load_process("flow.py", root)


def test_what_is_imported_from_the_folder_of_the_entry_is_found_from_deeper_down(root: Path) -> None:
    files = {
        "a/flow.py": "import pack_h.part\n" + PROCESS,
        "pack_h/part.py": "import near_h\n",
        "a/near_h.py": "",
    }
    write(root, files)

    assert set(load_process("a/flow.py", root).closure) == set(files)


def test_scripts_of_node_tasks_and_what_they_import_are_part_of_it(root: Path) -> None:
    text = 'from babysitter import node_task\n@node_task("js/work.js")\ndef work() -> int: ...\n'
    write(
        root,
        {
            "flow.py": text + PROCESS,
            "js/work.js": "const a = require('./a');\nimport b from \"../b.mjs\";\nrequire('fs')",
            "js/a.js": "",
            "b.mjs": "",
        },
    )

    assert set(read_sources("flow.py", root).files) == {"flow.py", "js/work.js", "js/a.js", "b.mjs"}


def test_a_link_that_leads_out_of_the_workspace_does_not_load(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside_i.py").write_text("RAN = 1")
    write(root, {"flow.py": "import outside_i\n" + PROCESS})
    (root / "outside_i.py").symlink_to(tmp_path / "outside_i.py")

    with pytest.raises(EntryError, match="outside_i"):
        load_process("flow.py", root)


def test_two_entries_with_helpers_of_one_name_each_get_their_own(root: Path) -> None:
    text = "import near_j\nSAID = near_j.SAID\n"
    write(root, {f"{name}/flow.py": text + PROCESS for name in "ab"})
    write(root, {f"{name}/near_j.py": f"SAID = {name!r}" for name in "ab"})

    said = [load_process(f"{name}/flow.py", root).process.function.__globals__["SAID"] for name in "aba"]

    assert said == ["a", "b", "a"]


def test_a_file_of_the_closure_may_be_an_entry_where_the_closure_has_all_of_it(root: Path) -> None:
    child = PROCESS.replace("main", "child_k")
    write(
        root,
        {"flow.py": "from parts_k import child\n" + PROCESS, "parts_k/child.py": "import near_k\n" + child},
    )
    write(root, {"parts_k/near_k.py": ""})

    found = covered(read_sources("flow.py", root))

    assert found["parts_k/child.py"] == read_sources("parts_k/child.py", root).digest
    assert found["flow.py"] == read_sources("flow.py", root).digest
