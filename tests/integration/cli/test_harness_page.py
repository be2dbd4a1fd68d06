"""docs/how-to/foreign-harness.md: its loop, run as it stands there, carries a run to its end."""

import json
import re

import pytest

from tests.integration.cli.conftest import Shell

PROCESS = """\
from babysitter import Context, TaskError, process, shell_task


@shell_task
def build(target: str) -> list[str]:
    return ["make", target]


@process
async def work(inputs: dict[str, str], ctx: Context) -> list[object]:
    built = await ctx.parallel.all(ctx.task(build, inputs["target"]), ctx.task(build, "docs"))
    again = await ctx.task(build, "again")
    review = await ctx.breakpoint("Good?", "Check")
    return [built, again, review.approved]
"""


def loop_of_the_page() -> str:
    from tests.test_docs import ROOT

    page = (ROOT / "docs/how-to/foreign-harness.md").read_text("utf-8")
    [script] = re.findall(r"^```sh\n(.*?run create.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(script)


@pytest.mark.needs("jq")
def test_the_loop_of_the_page_carries_a_run_to_its_breakpoint_and_its_end(shell: Shell) -> None:
    (shell.root / "process.py").write_text(PROCESS, encoding="utf-8")
    shell.trust("process.py")
    script = loop_of_the_page().replace(
        """'{"ok":true}'""", """'{"exitCode":0,"stdout":"made","stderr":""}'"""
    )

    waits = shell.sh(f"set -u; {script}")
    assert waits.stderr == ""
    assert waits.stdout.rstrip().endswith("waiting")
    assert shell("run:status", "last").returncode == 3

    [name] = [view["runId"] for view in json.loads(shell("run:list", "--json").stdout)["runs"]]
    assert shell("approve", name).returncode == 0
    again = shell.sh(f"run={name}\n" + script.partition("\n")[2])
    assert again.stdout.rstrip().endswith("completed")
    assert shell("journal", "verify", "--all").returncode == 0


def test_a_harness_posts_values_errors_and_outputs(shell: Shell) -> None:
    (shell.root / "process.py").write_text(PROCESS, encoding="utf-8")
    shell.trust("process.py")
    (shell.root / "out.txt").write_bytes(b"made \xff\n")
    shell("run:create", "process.py", "--input", "target=dist", "--run-id", "r")
    first = json.loads(shell("run:iterate", "r", "--json").stdout)
    ids = [effect["effectId"] for effect in first["effects"]]
    assert len(ids) == 2

    again = json.loads(shell("run:iterate", "r", "--json").stdout)
    assert [effect["effectId"] for effect in again["effects"]] == ids, (
        "what was handed out is handed out again"
    )

    value = '{"exitCode":0,"stdout":"made","stderr":""}'
    posted = shell("task:post", "r", ids[0], "--value", value, "--stdout-file", "out.txt")
    assert posted.returncode == 0, posted.stderr
    assert shell("task:post", "r", ids[1], "--error", "no rule", "--error-name", "MakeError").returncode == 0

    ended = shell("run:iterate", "r")
    assert ended.returncode == 1
    assert "MakeError" in shell("run:status", "r").stdout
    [kept] = (shell.root / ".a5c/runs/r/tasks" / ids[0]).glob("stdout*.log")
    assert kept.read_text("utf-8").startswith("made ")
    assert shell("task:show", "r", ids[0]).stdout.count("EFFECT_") == 3
    assert shell("journal", "verify", "r").returncode == 0
