"""How a scanner is started: confined more than its task, and only its whole report is a report."""

import os
from pathlib import Path

import pytest

from babysitter.model.effects import Denial, Sandbox
from babysitter.model.errors import MissingToolError, SandboxError
from babysitter.model.runner import Ended, Program
from babysitter.scanners import toolbox as toolbox_module
from babysitter.scanners.locating import Locator
from babysitter.scanners.toolbox import ScannerError, Toolbox
from tests.unit.scanners.grounds import Said, SayingRunner, toolbox, tools_folder

GRANTS = Sandbox(read=("/home",), write=("dist/",), network=("*",), env=("TOKEN",), memory_mb=99)


def runner(said: Said | Ended | Exception = (0, b"out", b"")) -> SayingRunner:
    return SayingRunner(lambda _program: said)


def started(tmp_path: Path, *, network: bool) -> tuple[Program, Sandbox]:
    """Return the program and the sandbox of a tool that was started with these grants."""
    saying = runner()
    tools = toolbox(
        saying, tools_folder(tmp_path, "tool"), sandbox=GRANTS, environ={"TOKEN": "t", "HOME": "h"}
    )
    tools.call(tools.find("tool", "Get it."), "--x", network=network)
    return saying.programs[0], saying.sandboxes[0]


@pytest.mark.parametrize("network", [True, False])
def test_a_tool_writes_and_reads_nothing_that_its_task_may_besides(tmp_path: Path, network: bool) -> None:
    _, sandbox = started(tmp_path, network=network)

    assert (sandbox.write, sandbox.read, sandbox.env, sandbox.memory_mb) == ((), (), (), 99)


def test_a_tool_that_asks_no_service_has_no_network_and_no_credentials(tmp_path: Path) -> None:
    program, sandbox = started(tmp_path, network=False)

    assert sandbox.network == ()
    assert set(program.env) == {"PATH"}


def test_a_tool_that_asks_a_service_gets_what_the_task_grants_of_both(tmp_path: Path) -> None:
    program, sandbox = started(tmp_path, network=True)

    assert sandbox.network == ("*",)
    assert program.env["TOKEN"] == "t"
    assert "HOME" not in program.env


@pytest.mark.parametrize(
    "end",
    [
        Ended(why="timeout", status=0, result=b""),
        Ended(why="stopped", status=0, result=b""),
        Ended(why="signal", status=9, result=b""),
        Ended(why="exit", status=0, result=b"", denials=(Denial(what="memory", rule="memory_mb"),)),
        SandboxError("no.", hint="Do."),
    ],
)
def test_a_tool_that_did_not_end_by_itself_gave_no_report(tmp_path: Path, end: Ended | Exception) -> None:
    tools = toolbox(runner(end), tools_folder(tmp_path, "tool"))

    with pytest.raises(ScannerError) as refused:
        tools.call(tools.find("tool", "Get it."))

    assert refused.value.state == "failed"


def test_more_files_than_a_command_line_takes_are_refused(tmp_path: Path) -> None:
    tools = toolbox(runner(), tools_folder(tmp_path, "tool"))

    with pytest.raises(ScannerError, match="more files"):
        tools.call(tools.find("tool", "Get it."), *(f"./{number:0100}" for number in range(20_000)))


def test_a_program_that_the_sandbox_does_not_find_is_missing(tmp_path: Path) -> None:
    tools = toolbox(runner(MissingToolError("gone.", hint="Get it.")), tools_folder(tmp_path, "tool"))

    with pytest.raises(ScannerError) as refused:
        tools.call(tools.find("tool", "Get it."))

    assert refused.value.state == "missing"


def test_a_report_that_is_cut_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox_module, "REPORT_BYTES_MAX", 10)
    tools = toolbox(runner((0, b"[" * 11, b"")), tools_folder(tmp_path, "tool"))

    with pytest.raises(ScannerError, match="too large"):
        tools.call(tools.find("tool", "Get it."))


def locator(tmp_path: Path, *named: Path) -> Locator:
    """Return a locator with this folder's ``bin`` on its PATH, and the folder as workspace."""
    return Locator(named=named, path=str(tmp_path / "bin"), workspace=tmp_path.resolve())


def test_a_scanner_that_the_workspace_brings_counts_only_when_the_settings_name_it(tmp_path: Path) -> None:
    """Else the code that is looked at could bring the scanner that praises it."""
    folder = tools_folder(tmp_path, "tool")

    assert locator(tmp_path).find("tool") is None
    assert locator(tmp_path, folder).find("tool") is not None


def test_the_settings_folders_come_before_path(tmp_path: Path) -> None:
    (tmp_path / "named").mkdir()
    named, other = tools_folder(tmp_path / "named", "tool"), tools_folder(tmp_path, "tool")
    where = Locator(named=(named,), path=str(other), workspace=Path("/nowhere"))

    found = where.find("tool")

    assert found is not None
    assert found.program.parent == named.resolve()


def test_a_tool_of_a_virtual_environment_sees_it_and_the_python_it_was_made_of(tmp_path: Path) -> None:
    folder = tools_folder(tmp_path, "tool")
    home = tmp_path / "python" / "bin"
    (tmp_path / "python" / "lib" / "python3.13").mkdir(parents=True)
    (tmp_path / "python" / "lib" / "python3.13" / "os.py").touch()
    (tmp_path / "python" / "secrets").mkdir()
    home.mkdir()
    (tmp_path / "pyvenv.cfg").write_text(f"home = {home}\n", encoding="utf-8")

    found = Locator(named=(folder,), path=os.devnull, workspace=Path("/nowhere")).find("tool")

    assert found is not None
    assert found.folders == (str(tmp_path), str(home), str(tmp_path / "python" / "lib"))


def test_a_tool_of_npm_sees_the_modules_beside_it(tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    (modules / "tool" / "bin").mkdir(parents=True)
    program = modules / "tool" / "bin" / "tool.js"
    program.write_text("#!/usr/bin/env node\n", encoding="utf-8")
    program.chmod(0o755)
    (modules / ".bin").mkdir()
    (modules / ".bin" / "tool").symlink_to("../tool/bin/tool.js")

    found = Locator(named=(modules / ".bin",), path=os.devnull, workspace=Path("/nowhere")).find("tool")

    assert found is not None
    assert (found.program, found.folders) == (program.resolve(), (str(modules.resolve()),))


def test_who_watches_is_told_what_starts(tmp_path: Path) -> None:
    told: list[str] = []
    made = toolbox(runner(), tools_folder(tmp_path, "tool"))
    tools = Toolbox(
        runner=made.runner,
        locator=made.locator,
        settings=made.settings,
        sandbox=made.sandbox,
        stop=made.stop,
        timeout_s=1,
        tell=told.append,
    )

    tools.call(tools.find("tool", "Get it."))

    assert told == ["tool"]
