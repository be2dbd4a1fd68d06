"""Tasks get the code that was trusted, whatever stands on disk by then."""

import base64
from pathlib import Path

import pytest

from babysitter.executors.node import NodeExecutor
from babysitter.executors.reviewed import ReviewedCode
from babysitter.model.errors import UntrustedProcessError
from tests.unit.executors.fakes import FakeResolver, FakeRunner, attempt, exited

pytestmark = pytest.mark.promise("G07")


def test_a_node_script_that_changed_since_it_was_trusted_is_not_started(tmp_path: Path) -> None:
    files = {"work.js": b"old", "part.js": b"part", "flow.py": b"other"}
    for name in ("work.js", "part.js"):
        (tmp_path / name).write_bytes(files[name])
    runner = FakeRunner(exited(result=b"1"))
    node = NodeExecutor(runner, FakeResolver(), tmp_path, code=ReviewedCode(files, tmp_path))
    tried = attempt("node", None, options={"script": "work.js"})
    assert node.perform(tried).value == 1

    for change in (lambda: (tmp_path / "part.js").write_bytes(b"new"), (tmp_path / "part.js").unlink):
        change()
        with pytest.raises(UntrustedProcessError, match=r"part\.js has changed"):
            node.perform(tried)

    assert len(runner.programs) == 1


def test_a_child_is_handed_the_python_files_and_no_others(tmp_path: Path) -> None:
    code = ReviewedCode({"flow.py": b"\xff", "work.js": b""}, tmp_path)

    assert code.modules() == {"flow.py": base64.b64encode(b"\xff").decode()}
