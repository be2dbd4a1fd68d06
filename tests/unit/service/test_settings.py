"""``babysitter.toml``: what it may say; a wrong word is an error with its line and the nearest right one."""

from pathlib import Path

import pytest

from babysitter.config import (
    Settings,
    allows_secret_logs,
    find_root,
    load_place,
    parse_settings,
    wants_colour,
)
from babysitter.model.effects import Sandbox
from babysitter.model.errors import SettingsError

WHOLE = """
[workspace]
id = "team"
runs_dir = "elsewhere/runs"
[sandbox]
mode = "landlock"
inline = "deny"
[[sandbox.tasks]]
task = "build"
write = ["dist/"]
network = ["loopback"]
env = ["PATH"]
read = ["/opt/tool"]
[secrets]
names = ["RELEASE_INDEX"]
recognise = false
[secrets.sources.team]
provider = "vault://vault.example.com/secret"
timeout_s = 5
[secrets.sources.acme]
plugin = "acme"
package = "acme-secrets"
options = { region = "north" }
[budget]
steps = 10
seconds = 1.5
[worker]
concurrency = 2
far_timer_s = 5
output_mb = 1
"""


def test_every_setting_is_read() -> None:
    read = parse_settings(WHOLE)

    assert (read.workspace.id, read.workspace.runs_dir) == ("team", "elsewhere/runs")
    assert (read.sandbox.mode, read.sandbox.inline, read.sandbox.tasks[0].task) == (
        "landlock",
        "deny",
        "build",
    )
    assert (read.secrets.names, read.secrets.recognise) == (("RELEASE_INDEX",), False)
    team, acme = read.secrets.sources["team"], read.secrets.sources["acme"]
    assert (team.provider, team.timeout_s) == ("vault://vault.example.com/secret", 5.0)
    assert (acme.plugin, acme.package, acme.options) == ("acme", "acme-secrets", {"region": "north"})
    assert (read.budget.steps, read.budget.seconds) == (10, 1.5)
    assert (read.worker.concurrency, read.worker.far_timer_s, read.worker.output_mb) == (2, 5.0, 1)


def test_an_empty_file_says_what_no_file_says() -> None:
    assert parse_settings("") == Settings()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[workspace]\nid = ", 2, "is not TOML"),
        ("[workspac]\nid = 'x'\n", 1, 'Did you mean "workspace"?'),
        ("\n[worker]\n# how many\nconcurency = 3\n", 4, 'Did you mean "concurrency"?'),
        ("[worker]\nzebra = 3\n", 2, "Known here: concurrency, far_timer_s, output_mb."),
        ('[worker]\nconcurrency = "many"\n', 2, "worker.concurrency"),
        ("[secrets]\nnames = [1]\n", 2, "secrets.names"),
        ('[sandbox]\n\nmode = "off"\n', 3, "sandbox.mode"),
        (
            "[[sandbox.tasks]]\ntask = 'a'\n[[sandbox.tasks]]\ntask = 'b'\nwrit = ['x']\n",
            5,
            'Did you mean "write"?',
        ),
        ("[sandbox]\nmode = 'none'\n[[sandbox.tasks]]\nwrite = ['x']\n", 3, "task"),
        ("[[sandbox.tasks]]\ntask = 'a'\nnetwork = ['example.com']\n", 1, "names no host and port"),
        ("worker.concurency = 1\n", 1, 'Did you mean "concurrency"?'),
        ("[budget]\nsteps = true\n", 2, "budget.steps"),
        ("worker = 3\n", 1, "worker"),
        ("[secrets.sources.t]\nprovidr = 'x'\n", 2, 'Did you mean "provider"?'),
        ("[secrets.sources.t]\ntimeout_s = 5\n", 1, "either a provider of secretspec or a plugin"),
        (
            "[secrets.sources.t]\nprovider = 'x'\nplugin = 'y'\n",
            1,
            "either a provider of secretspec or a plugin",
        ),
        ("[secrets.sources.t]\nplugin = 'x'\n", 1, "the package that it must come from"),
    ],
)
def test_a_wrong_word_is_an_error_that_names_its_line_and_what_to_write(
    text: str, line: int, said: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_settings(text, file="babysitter.toml")

    error = refusal.value
    assert said in str(error)
    assert (error.facts["file"], error.facts["line"]) == ("babysitter.toml", line)
    assert f"babysitter.toml, line {line}" in error.message
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        "[worker]\nconcurrency = 0\n",
        "[worker]\nconcurrency = -1\n",
        "[worker]\nfar_timer_s = -1\n",
        "[worker]\noutput_mb = -1\n",
        "[budget]\nsteps = -1\n",
        "[budget]\nseconds = -0.5\n",
        "[budget]\nseconds = nan\n",
    ],
)
def test_a_number_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="line 2"):
        parse_settings(text)


def test_a_source_of_secrets_has_time_and_not_for_ever() -> None:
    for seconds in ("0", "-1", "601", "nan"):
        with pytest.raises(SettingsError, match="timeout_s"):
            parse_settings(f"[secrets.sources.t]\nprovider = 'x'\ntimeout_s = {seconds}\n")


def test_settings_grant_a_task_more_and_no_other_task() -> None:
    read = parse_settings(WHOLE)
    asked = Sandbox(write=("out/",), memory_mb=100)

    granted = read.granted("build", asked)

    assert granted == Sandbox(
        read=("/opt/tool",), write=("out/", "dist/"), network=("loopback",), env=("PATH",), memory_mb=100
    )
    assert read.granted("publish", asked) is asked


def test_the_workspace_is_the_nearest_folder_with_settings_or_run_data(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "babysitter.toml").write_text("")

    assert find_root(tmp_path / "a" / "b" / "c") == tmp_path / "a"
    (tmp_path / "a" / "b" / ".a5c").mkdir()
    assert find_root(tmp_path / "a" / "b" / "c") == tmp_path / "a" / "b"


def test_the_command_line_wins_over_the_environment_which_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "babysitter.toml").write_text('[workspace]\nruns_dir = "by-file"\n')

    monkeypatch.delenv("RUNS_DIR", raising=False)
    assert load_place(tmp_path).runs_dir == tmp_path / "by-file"
    monkeypatch.setenv("RUNS_DIR", "by-environment")
    assert load_place(tmp_path).runs_dir == tmp_path / "by-environment"
    assert load_place(tmp_path, runs_dir="by-command").runs_dir == tmp_path / "by-command"


def test_a_file_that_is_no_text_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "babysitter.toml").write_bytes(b"[workspace]\nid = '\xff'\n")

    with pytest.raises(SettingsError):
        load_place(tmp_path)


@pytest.mark.promise("G14")
@pytest.mark.parametrize(
    ("value", "allowed"),
    [(None, False), ("", False), ("false", False), ("0", False), ("maybe", False), ("true", True)],
)
def test_secrets_stay_out_of_live_output_unless_that_is_said(
    value: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BABYSITTER_ALLOW_SECRET_LOGS", raising=False)
    if value is not None:
        monkeypatch.setenv("BABYSITTER_ALLOW_SECRET_LOGS", value)

    assert allows_secret_logs() is allowed


def test_colour_is_for_terminals_whose_owner_did_not_say_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(is_terminal=True)
    assert not wants_colour(is_terminal=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(is_terminal=True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(is_terminal=True)
