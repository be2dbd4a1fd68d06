"""``doctor`` and ``git`` as a person calls them: statuses, text, JSON, SARIF, a terminal."""

import json
import os

import pytest

from tests.integration.cli.conftest import Shell

pytestmark = pytest.mark.needs("git")
ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
NAMED = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def doctor(shell: Shell, *words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    done = shell("doctor", "--offline", *words, env={**ALONE, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def test_what_is_fine_leaves_with_0_what_is_not_with_1_and_what_nobody_knows_with_4(shell: Shell) -> None:
    shell.root.chmod(0o700)
    (shell.root / "babysitter.toml").chmod(0o600)

    fine = doctor(shell, "--only", "D14")
    wrong = doctor(shell, "--only", "D14", env={"BABYSITTER_ALLOW_SECRET_LOGS": "true"})
    unknown = doctor(shell, "--only", "D04-vulnerabilities")
    both = doctor(shell, "--only", "D04", "--only", "D14", env={"BABYSITTER_ALLOW_SECRET_LOGS": "true"})

    assert [each[0] for each in (fine, wrong, unknown, both)] == [0, 1, 4, 1]


def test_a_folder_or_a_check_that_is_not_there_is_a_mistake_of_the_call(shell: Shell) -> None:
    assert doctor(shell, "nowhere")[0] == 2
    assert doctor(shell, "--only", "D99")[0] == 2
    assert doctor(shell, "--json", "--sarif")[0] == 2


def test_the_text_has_problems_first_each_with_a_command_to_paste(shell: Shell) -> None:
    (shell.root / ".env").write_text("A=b\n")
    (shell.root / ".env").chmod(0o644)

    _, text, _ = doctor(shell, "--all")

    assert text.index("TO DO") < text.index("COULD NOT BE CHECKED") < text.index("FINE")
    assert "$ chmod go= -- .env" in text
    assert "D10-environment-files-are-private  G10  --fix does it" in text
    assert "babysitter doctor --fix" in text
    # The first line names the folder, however long that is.
    assert max(len(line) for line in text.splitlines()[1:] if "$ " not in line) <= 100


def test_the_command_that_is_shown_mends_what_it_is_shown_for(shell: Shell) -> None:
    shell.sh("git init -q . && mkdir -p .a5c/runs/r && echo x > .a5c/runs/r/x && git add -f .a5c")
    (shell.root / ".env").write_text("A=b\n")
    (shell.root / ".env").chmod(0o644)
    mended = ("D03-tracked-run-data", "D03-run-data-ignores-itself", "D05-run-data-is-private",
              "D09-ignore-lines", "D10-environment-files-are-private")  # fmt: skip
    only = [word for check in mended for word in ("--only", check)]

    before = json.loads(doctor(shell, "--json", *only)[1])
    for check in before["checks"]:
        assert check["state"] == "problem", check
        assert shell.sh(check["command"]).returncode == 0, check["command"]

    assert doctor(shell, *only)[0] == 0


def test_json_is_one_object_with_every_check(shell: Shell) -> None:
    status, text, _ = doctor(shell, "--json")

    diagnosis = json.loads(text)
    assert diagnosis["verdict"] == {1: "problems", 4: "unchecked"}[status]
    assert {"id", "promise", "title", "state", "severity", "found", "why"} <= diagnosis["checks"][0].keys()
    assert sum(diagnosis["counts"].values()) == len(diagnosis["checks"])


def test_sarif_is_sarif_and_keeps_the_status(shell: Shell) -> None:
    status, text, _ = doctor(shell, "--sarif", "--only", "D14", env={"BABYSITTER_ALLOW_SECRET_LOGS": "1"})

    log = json.loads(text)
    assert (status, log["version"]) == (1, "2.1.0")
    assert log["runs"][0]["results"][0]["ruleId"] == "D14-secret-logs"


def test_wrong_settings_are_one_problem_and_one_reason(shell: Shell) -> None:
    (shell.root / "babysitter.toml").write_text("[sandbx]\n", encoding="utf-8")

    status, text, _ = doctor(shell)

    assert status == 1
    assert text.count("babysitter.toml is wrong, so nobody knows what holds here") == 1
    assert "Did you mean" in text


def test_names_of_files_can_not_move_the_cursor(shell: Shell) -> None:
    shell.sh("git init -q .")
    bad = shell.root / ".a5c" / "\x1b[2Jx\nFINE (99)"
    bad.parent.mkdir(parents=True)
    bad.write_text("x")
    shell.sh("git add -f .a5c")

    _, text, _ = doctor(shell, "--fix", "--all")

    assert "\x1b" not in text
    assert "\nFINE (99)" not in text


def test_a_folder_elsewhere_is_named_above_commands_that_are_meant_for_it(shell: Shell) -> None:
    inner = shell.root / "inner"
    inner.mkdir()
    (inner / "babysitter.toml").write_text("", encoding="utf-8")

    assert f"cd {inner}" in doctor(shell, "inner")[1]
    assert "cd " not in doctor(shell)[1]


def test_hooks_are_installed_checked_and_taken_away(shell: Shell) -> None:
    shell.sh("git init -q .")

    installed = shell("git", "install-hooks", env=ALONE)
    fine = doctor(shell, "--only", "D06-hooks")
    removed = shell("git:uninstall-hooks", env=ALONE)
    missing = doctor(shell, "--only", "D06-hooks")

    assert [installed.returncode, fine[0], removed.returncode, missing[0]] == [0, 0, 0, 1]
    assert "pre-commit  installed" in installed.stdout


@pytest.mark.promise("G06")
def test_staged_run_data_is_refused_on_stderr_with_what_to_do(shell: Shell) -> None:
    shell.sh("git init -q . && mkdir -p .a5c && echo x > .a5c/y && git add -f .a5c")

    found = shell("git", "check-staged", env=ALONE)
    as_json = json.loads(shell("git", "check-staged", "--json", env=ALONE).stdout)

    assert (found.returncode, found.stdout) == (1, "")
    assert "Take it out with: git rm -r --cached --quiet -- .a5c/y" in found.stderr
    assert as_json["refusals"][0]["rule"] == "run-data"


@pytest.mark.promise("G06")
def test_a_credential_is_refused_when_it_is_committed_and_when_it_is_pushed(shell: Shell) -> None:
    """Made here, so that this file holds none."""
    key = f"-----BEGIN {'PRIVATE'} KEY-----\n{'MC4CAQAwBQYDK2VwBCIEIA' * 3}\n-----END {'PRIVATE'} KEY-----\n"
    (shell.root / "deploy.txt").write_text(f"1\n{key}", encoding="utf-8")
    commit = f"git {' '.join(NAMED)} commit -qm m"
    shell.sh("git init -q . && git init -q --bare ../r.git && git remote add origin ../r.git && git add .")
    shell("git", "install-hooks", env=ALONE)

    committed = shell.sh(commit)
    shell.sh(f"{commit} --no-verify")
    pushed = shell.sh("git push -q origin HEAD:refs/heads/main")
    found = doctor(shell, "--only", "D11", "--json")

    assert [each.returncode for each in (committed, pushed)] == [1, 1]
    assert "deploy.txt:2 holds a credential" in committed.stderr
    assert "deploy.txt:2 (commit " in pushed.stderr
    assert "MC4CAQAwBQYDK2VwBCIEIA" not in committed.stderr + pushed.stderr + found[1]
    assert json.loads(found[1])["checks"][0]["state"] == "problem"


@pytest.mark.promise("G06")
@pytest.mark.parametrize("way", ["standard input", "pre-commit.com", "the first push, by pre-commit.com"])
def test_a_push_is_told_by_git_or_by_pre_commit(way: str, shell: Shell) -> None:
    shell.sh(
        "git init -q . && mkdir -p .a5c && echo x > .a5c/y && git add -f .a5c && "
        f"git {' '.join(NAMED)} commit -qm m"
    )
    commit = shell.sh("git rev-parse HEAD").stdout.strip()
    told = {"PRE_COMMIT": "1", "PRE_COMMIT_TO_REF": commit, "PRE_COMMIT_REMOTE_NAME": "origin"}
    if way == "the first push, by pre-commit.com":
        del told["PRE_COMMIT_TO_REF"]
        told["PRE_COMMIT_LOCAL_BRANCH"] = shell.sh("git symbolic-ref HEAD").stdout.strip()

    if way == "standard input":
        line = f"refs/heads/main {commit} refs/heads/main {'0' * 40}\n"
        found = shell("git", "check-push", "origin", "url", stdin=line, env=ALONE)
    else:
        found = shell("git", "check-push", env={**ALONE, **told})

    assert (found.returncode, ".a5c/y" in found.stderr) == (1, True)


def test_what_git_says_counts_before_what_an_old_variable_says(shell: Shell) -> None:
    shell.sh(f"git init -q . && git {' '.join(NAMED)} commit -q --allow-empty -m m")
    clean = shell.sh("git rev-parse HEAD").stdout.strip()
    shell.sh(f"mkdir .a5c && echo x > .a5c/y && git add -f .a5c && git {' '.join(NAMED)} commit -qm m")
    bad = shell.sh("git rev-parse HEAD").stdout.strip()
    line = f"refs/heads/main {bad} refs/heads/main {'0' * 40}\n"

    found = shell(
        "git",
        "check-push",
        "origin",
        stdin=line,
        env={**ALONE, "PRE_COMMIT": "1", "PRE_COMMIT_TO_REF": clean},
    )

    assert found.returncode == 1


@pytest.mark.promise("G06")
def test_a_push_of_which_nobody_says_what_it_is_is_not_called_clean(shell: Shell) -> None:
    """Another hook has eaten the standard input."""
    shell.sh("git init -q .")

    found = shell("git", "check-push", "origin", env={**ALONE, "PRE_COMMIT_TO_REF": "HEAD"})

    assert (found.returncode, "nobody says what is pushed" in found.stderr) == (2, True)


def test_outside_of_a_repository_nothing_is_called_clean(shell: Shell) -> None:
    env = {**ALONE, "GIT_CEILING_DIRECTORIES": str(shell.root.parent)}

    verbs = ("check-staged", "check-push", "install-hooks")
    assert [shell("git", verb, env=env).returncode for verb in verbs] == [4, 4, 4]


def test_wrong_settings_stop_a_commit_since_nobody_knows_where_run_data_is(shell: Shell) -> None:
    shell.sh("git init -q .")
    (shell.root / "babysitter.toml").write_text("x = [", encoding="utf-8")

    assert shell("git", "check-staged", env=ALONE).returncode == 2


def test_a_check_of_what_is_staged_imports_little(shell: Shell) -> None:
    """Git waits for it at each commit."""
    shell.sh("git init -q .")
    code = (
        "import sys; sys.argv=['babysitter','git','check-staged']\n"
        "from babysitter.cli.main import main\n"
        "try: main()\n"
        "finally: print(*sorted(sys.modules))\n"
    )

    loaded = set(shell.sh(f'{os.environ.get("PYTHON", "python")} -c "{code}"').stdout.split())

    assert "babysitter.service.git.use_cases" in loaded
    assert not loaded & {"cryptography", "cedarpy", "babysitter.engine.machine", "babysitter.service.session"}
