"""The security guide's own words, run on a workspace of ours: every line of it works as it is written."""

import json
import re
import stat
import subprocess

import pytest

from babysitter.model.events import EVENT_TYPES
from tests.integration.cli.conftest import Shell

IGNORED = """\
# Babysitter run data
.a5c/

# Environment files with secrets
.env
.env.local
.env.*.local

# Credentials
*.pem
*.key
credentials.json
"""


@pytest.mark.promise("G09")
def test_init_writes_the_guides_block_word_for_word(shell: Shell) -> None:
    assert shell("init").returncode == 0

    assert (shell.root / ".gitignore").read_text("utf-8") == IGNORED


@pytest.mark.promise("G09")
@pytest.mark.parametrize(
    "before",
    [
        b"node_modules/\n",
        b"node_modules/",
        b"# ours\r\nbuild\r\n",
        b".env\n*.key\n",
        b"\xff latin\n",
        IGNORED.encode(),
    ],
    ids=["a line", "no end", "CRLF", "some are there", "not UTF-8", "all are there"],
)
def test_init_completes_a_gitignore_and_touches_nothing_that_is_there(shell: Shell, before: bytes) -> None:
    path = shell.root / ".gitignore"
    path.write_bytes(before)

    assert shell("init").returncode == 0
    after = path.read_bytes()
    assert shell("init").returncode == 0

    assert after.startswith(before)
    assert path.read_bytes() == after, "the second time there is nothing to add"
    lines = [line.strip() for line in after.decode("latin-1").splitlines()]
    for wanted in (line for line in IGNORED.splitlines() if line and not line.startswith("#")):
        assert lines.count(wanted) == 1


@pytest.mark.promise("G03")
def test_run_data_is_closed_to_others_and_invisible_to_git(shell: Shell) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=shell.root, check=True)

    assert shell("start", "p.py#quick", "--input", "n=1", "--run-id", "r").returncode == 0

    home = shell.root / ".a5c"
    assert (home / ".gitignore").read_text("utf-8") == "*\n"
    assert shell.sh("git status --porcelain --untracked-files=all --ignored=no").stdout.count(".a5c") == 0
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [home, *home.rglob("*")]}
    assert modes == {0}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.fixture
def released(shell: Shell) -> Shell:
    """A run whose breakpoint was released."""
    assert shell("start", "p.py#ask", "--run-id", "r").returncode == 3
    assert shell("approve", "r", "--comment", "checked").returncode == 0
    assert shell("resume", "r").returncode == 0
    return shell


@pytest.mark.promise("G12")
def test_the_guides_breakpoint_is_asked_word_for_word(released: Shell) -> None:
    lines = [json.loads(line) for line in released.journal("r").splitlines()]

    [asked] = [line["data"] for line in lines if line["type"] == "BREAKPOINT_REQUESTED"]

    assert asked["question"] == "Deploy with production credentials?"
    assert asked["title"] == "Production Deployment"
    assert asked["context"] == {"environment": "production", "critical": True}


@pytest.mark.promise("G23")
@pytest.mark.needs("jq")
def test_the_guides_jq_shows_the_complete_history(released: Shell) -> None:
    ended = released.sh("cat .a5c/runs/r/journal/journal.jsonl | jq .")

    assert (ended.returncode, ended.stderr) == (0, "")
    types = re.findall(r'^  "type": "(.+)",$', ended.stdout, re.MULTILINE)
    assert types == [
        "RUN_CREATED",
        "BREAKPOINT_REQUESTED",
        "BREAKPOINT_RESPONDED",
        "BREAKPOINT_RELEASED",
        "RUN_COMPLETED",
    ]


@pytest.mark.promise("G24")
@pytest.mark.needs("jq")
def test_the_guides_jq_lists_the_approvals(released: Shell) -> None:
    ended = released.sh("""jq 'select(.type=="BREAKPOINT_RELEASED")' .a5c/runs/*/journal/journal.jsonl""")

    assert (ended.returncode, ended.stderr) == (0, "")
    approval = json.loads(ended.stdout)
    assert approval["data"]["approved"] is True
    assert approval["data"]["feedback"] == "checked"


@pytest.mark.promise("G10")
def test_every_hit_of_the_guides_grep_is_a_field_name_or_a_reference(shell: Shell) -> None:
    env = {"SPILL_TOKEN": "zebra-crossing-4711"}
    assert shell("start", "p.py#spill", "--run-id", "r", env=env).returncode == 0

    ended = shell.sh(r"""grep -i "password\|secret\|key\|token" .a5c/runs/*/journal/journal.jsonl""")

    assert ended.returncode == 0, "field names and references are hit, as the guide's users will see"
    fields = {field for cls in EVENT_TYPES.values() for field in cls.__struct_encode_fields__}
    # The words of the task itself, which the author wrote around the secret.
    innocent = [
        "env:SPILL_TOKEN",
        '"$secret"',
        "${secret:",
        "the token is",
        *(f'"{name}"' for name in fields),
    ]
    rest = ended.stdout
    for text in innocent:
        rest = rest.replace(text, "")
    assert re.findall(r"[^\s]*(?:password|secret|key|token)[^\s]*", rest, re.IGNORECASE) == []
    assert "zebra" not in ended.stdout
