"""What process code must not do is found with its line and fix; bodies of tasks are left alone."""

import pytest

from babysitter.model.findings import Finding
from babysitter.scanners.determinism import determinism_faults
from tests.unit.scanners.closures import modules

HEAD = "from babysitter import Context, process, task, shell_task\n"


def faults(**files: str) -> list[Finding]:
    return list(determinism_faults(modules(**{name: HEAD + text for name, text in files.items()})))


def found(**files: str) -> list[tuple[str, str, int]]:
    """Return rule, file and line of each fault; the heading's line is not counted."""
    return sorted((each.rule, each.path, each.span.line - 1) for each in faults(**files) if each.span)


def in_process(line: str, imports: str = "pass") -> list[tuple[str, str, int]]:
    return found(flow=f"{imports}\n@process\nasync def main(ctx):\n    {line}\n")


@pytest.mark.parametrize(
    ("line", "imports", "rule"),
    [
        ("time.time()", "import time", "clock"),
        ("now()", "from time import time as now", "clock"),
        ("clock.monotonic()", "import time as clock", "clock"),
        ("datetime.now()", "from datetime import datetime", "clock"),
        ("datetime.datetime.now()", "import datetime", "clock"),
        ("date.today()", "from datetime import date", "clock"),
        ("time.sleep(1)", "import time", "sleep"),
        ("random.choice([1])", "import random", "dice"),
        ("Random()", "from random import Random", "dice"),
        ("uuid4()", "from uuid import uuid4", "dice"),
        ("os.urandom(3)", "import os", "dice"),
        ("secrets.token_hex()", "import secrets", "dice"),
        ("requests.get('http://x')", "import requests", "network"),
        ("urlopen('http://x')", "from urllib.request import urlopen", "network"),
        ("socket.socket()", "import socket", "network"),
        ("subprocess.run(['x'])", "import subprocess", "programs"),
        ("os.system('x')", "import os", "programs"),
        ("open('x').read()", "pass", "file-reads"),
        ("open('x', 'w')", "pass", "file-writes"),
        ("open('x', mode=how)", "how = 'a'", "file-writes"),
        ("Path('x').read_text()", "from pathlib import Path", "file-reads"),
        ("(Path('x') / 'y').write_text('')", "from pathlib import Path", "file-writes"),
        ("shutil.rmtree('x')", "import shutil", "file-writes"),
        ("threading.Thread(target=print).start()", "import threading", "threads"),
        ("await asyncio.sleep(1)", "import asyncio", "sleep"),
        ("await asyncio.gather()", "import asyncio", "asyncio"),
        ("os.environ['HOME']", "import os", "environment"),
        ("os.environ.get('HOME')", "import os", "environment"),
        ("getenv('HOME')", "from os import getenv", "environment"),
        ("platform.node()", "import platform", "machine"),
        ("id(ctx)", "pass", "identity"),
        ("input()", "pass", "person"),
        ("eval('1')", "pass", "computed-code"),
        ("__import__(ctx.name)", "pass", "computed-code"),
        ("ctypes.CDLL(None)", "import ctypes", "native-code"),
        ("sys.path.insert(0, 'x')", "import sys", "import-path"),
        ("[x for x in {1, 2}]", "pass", "set-order"),
        ("for x in set(ctx.names): pass", "pass", "set-order"),
        ("list(frozenset('ab'))", "pass", "set-order"),
        ("','.join({'a', 'b'} | {'c'})", "pass", "set-order"),
        ("global COUNT", "COUNT = 0", "state"),
    ],
)
def test_each_fault_is_found_at_its_line(line: str, imports: str, rule: str) -> None:
    assert (rule, "flow.py", 4) in in_process(line, imports)


@pytest.mark.parametrize(
    "line",
    [
        "await ctx.now()",
        "await ctx.sleep(3)",
        "Random(await ctx.random()).choice([1])",
        "sorted({1, 2})",
        "len({1, 2})",
        "1 in {1, 2}",
        "sorted(x for x in [1])",
        "timedelta(seconds=1)",
        "datetime.fromisoformat('2026-01-01')",
        "Path('x').name",
        "json.dumps({})",
        "print('x')",
        "re.compile('x')",
    ],
)
def test_what_is_the_same_every_time_is_no_fault(line: str) -> None:
    imports = "import json, re; from datetime import datetime, timedelta; from pathlib import Path"
    imports += "; from random import Random"

    assert in_process(line, imports) == []


def test_a_fault_says_what_to_do_and_how_bad_it_is() -> None:
    [clock] = faults(flow="import time\n@process\nasync def main(ctx):\n    time.time()\n")

    assert clock.fix.startswith("Use `await ctx.now()`")
    assert (clock.category, clock.severity) == ("determinism", "medium")
    assert "process code reads the clock: time.time" in clock.message
    assert clock.span is not None
    assert clock.span.column == 5


def test_bodies_of_tasks_are_no_process_code() -> None:
    task = "import time, subprocess\n@task\ndef work():\n  time.time()\n  subprocess.run(['x'])\n  helper()\n"
    helper = "def helper():\n    time.sleep(1)\n"
    main = "@process\nasync def main(ctx):\n    await ctx.task(work)\n    work.call()\n"

    assert found(flow=task + helper + main) == []


def test_helpers_that_processes_reach_are_process_code_wherever_they_stand() -> None:
    flow = (
        "from near import first\nimport pack.deep as deep\nfrom near import Thing\n"
        "@process\nasync def main(ctx):\n  first()\n  await ctx.parallel.map(deep.branch, [1])\n  Thing()\n"
    )
    near = "import time\ndef first():\n    return second()\ndef second():\n    return time.time()\n"
    near += "class Thing:\n    def ask(self):\n        return time.time()\n"
    deep = "from .other import last\ndef branch(x):\n  def inner():\n    last()\n  inner()\n"
    deep += "def unused():\n  open('x')\n"
    other = "import random\ndef last():\n    random.random()\n"

    assert found(flow=flow, near=near, pack__deep=deep, pack__other=other) == [
        ("clock", "near.py", 5),
        ("clock", "near.py", 8),
        ("dice", "pack/other.py", 3),
    ]


def test_a_helper_of_both_a_task_and_a_process_is_looked_at() -> None:
    flow = "import time\ndef stamp():\n    return time.time()\n@task\ndef work():\n    stamp()\n"
    flow += "@process\nasync def main(ctx):\n    stamp()\n"

    assert found(flow=flow) == [("clock", "flow.py", 3)]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("import subprocess\nsubprocess.run(['x'])\n", "high"),
        ("import urllib.request\nclass A:\n    x = urllib.request.urlopen('http://x')\n", "high"),
        ("import os\ndef f(x=os.system('x')): ...\n", "high"),
        ("def f():\n    exec('1')\nX = f()\n", "high"),
        ("X = open('x').read()\n", "medium"),
        ("import time\nX = time.time()\n", "low"),
        ("import os\ntry:\n    os.remove('x')\nexcept OSError:\n    pass\n", "high"),
    ],
)
def test_what_runs_when_a_file_is_loaded_runs_unconfined_and_is_told(text: str, severity: str) -> None:
    worst = faults(flow=text)[0]

    assert worst.severity == severity
    assert worst.message.startswith("loading this file, in the driver and unconfined,")


def test_a_function_that_nothing_reaches_and_a_main_block_are_no_faults() -> None:
    text = "import subprocess\ndef unused():\n    subprocess.run(['x'])\n"
    text += "if __name__ == '__main__':\n    subprocess.run(['x'])\n"

    assert found(flow=text) == []


def test_names_that_a_file_binds_itself_are_not_taken_for_those_of_python() -> None:
    text = "def open(x):\n    return x\n@process\nasync def main(ctx, id):\n    open('x')\n    id(3)\n"

    assert found(flow=text) == []


def test_the_fingerprint_of_a_fault_stays_while_lines_move() -> None:
    text = "import time\n@process\nasync def main(ctx):\n    time.time()\n    time.time()\n"

    before = [each.fingerprint for each in faults(flow=text)]
    after = [each.fingerprint for each in faults(flow="# more\n" + text)]

    assert len(set(before)) == 2
    assert sorted(before) == sorted(after)
