"""The examples for CI and the hooks file parse, call what there is, and ask for no right too many."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from babysitter.cli.root import babysitter

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / "examples/ci/github-actions.yml"
GITLAB = ROOT / "examples/ci/gitlab-ci.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [text for each in value for text in strings(each)] if isinstance(value, list) else []


def calls(file: Path) -> list[list[str]]:
    """Return the words of each call of ours."""
    found = []
    for text in strings(loaded(file)):
        for part in re.split(r"\||&&|;|\n", text):
            words = shlex.split(part.partition(">")[0])
            if words[:1] == ["babysitter"] and words[1:]:
                found.append(words[1:])
    return found


@pytest.mark.parametrize("file", [GITHUB, GITLAB, HOOKS], ids=lambda file: file.name)
def test_every_command_of_an_example_is_one_with_those_options(file: Path) -> None:
    assert calls(file) != []

    for call in calls(file):
        words = call
        context = click.Context(babysitter, info_name="babysitter")
        command: click.Command = babysitter
        while isinstance(command, click.Group):
            _, found, rest = command.resolve_command(context, words)
            assert found is not None
            command, words = found, rest
        # It parses: an option that is not there, or an argument too many, raises.
        command.make_context(command.name or "", list(words))


def test_each_job_of_github_has_its_own_rights_and_the_workflow_has_none() -> None:
    workflow = loaded(GITHUB)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        allowed = {"contents": "read", "security-events": "write", "actions": "read"}
        assert rights.items() <= allowed.items(), name
        uploads = any("upload-sarif" in step.get("uses", "") for step in job["steps"])
        assert ("security-events" in rights) == uploads, name


def test_every_action_is_pinned_and_no_checkout_leaves_its_token_behind() -> None:
    text = GITHUB.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.+)", text)
    steps = [step for job in loaded(GITHUB)["jobs"].values() for step in job["steps"]]

    assert uses
    assert [
        line
        for line in uses
        if not re.fullmatch(r"[\w./-]+@(v\d+ # v\d+: pin to its commit|[0-9a-f]{40} # .+)", line)
    ] == []
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_of_github_holds_an_expression() -> None:
    """What a stranger's pull request can say must come in by the environment."""
    runs = [step["run"] for job in loaded(GITHUB)["jobs"].values() for step in job["steps"] if "run" in step]

    assert [run for run in runs if "${{" in run] == []


def test_sarif_is_uploaded_though_the_check_failed() -> None:
    steps = loaded(GITHUB)["jobs"]["doctor"]["steps"]

    (upload,) = (step for step in steps if "upload-sarif" in step.get("uses", ""))
    assert "!cancelled()" in upload["if"]
    assert loaded(GITLAB)["babysitter:doctor"]["artifacts"]["when"] == "always"


def test_the_hooks_of_pre_commit_look_at_everything_at_their_own_stage() -> None:
    hooks = {hook["id"]: hook for hook in loaded(HOOKS)}

    assert {name: hook["stages"] for name, hook in hooks.items()} == {
        "babysitter-check-staged": ["pre-commit"],
        "babysitter-check-push": ["pre-push"],
    }
    assert all(hook["always_run"] and not hook["pass_filenames"] for hook in hooks.values())
