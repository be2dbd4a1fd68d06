"""What a task may do is a digest, which stands where an effect starts and in what people sign."""

from pathlib import Path
from typing import ClassVar

import pytest
from msgspec import structs

from babysitter.config import SandboxTable, SandboxTask
from babysitter.executors.sandbox.profile import effective_profile, profile_sha256
from babysitter.journal.layout import shown_path
from babysitter.model import events as ev
from babysitter.model.effects import Sandbox
from babysitter.model.errors import EntryError
from babysitter.model.statement import parse_statement
from babysitter.service.sandbox_words import words_for
from babysitter.service.sandboxing import load_task
from babysitter.testing.workspace import FakeWorkspace
from tests.unit.service.runs import ROOT, of_type, resume, start
from tests.unit.service.signing import BOB, rule, sign, trusting

pytestmark = pytest.mark.promise("G05")

RUNNER = ("bubblewrap", "cgroup v1")
HERE = "api.example.com:443"


@pytest.mark.parametrize(
    "other",
    [
        (),
        ("*",),
        ("loopback",),
        ("api.example.com:80",),
        ("api.example.org:443",),
        ("*.example.com:443",),
        (HERE, "api.example.org:443"),
        ("93.184.216.34:443",),
    ],
)
def test_another_host_or_port_is_another_digest(other: tuple[str, ...]) -> None:
    assert profile_sha256(*RUNNER, Sandbox(network=(HERE,))) != profile_sha256(
        *RUNNER, Sandbox(network=other)
    )


def test_the_profile_names_the_hosts_in_the_spelling_that_is_compared() -> None:
    profile = effective_profile(*RUNNER, Sandbox(network=("API.Example.com.:443", "*.b.test:1")))

    assert profile["egress"] == {"proxy": 1, "hosts": ["*.b.test:1", HERE]}
    assert "egress" not in effective_profile(*RUNNER, Sandbox(network=("*",)))
    assert "egress" not in effective_profile(*RUNNER, Sandbox(network=("says nothing",)))


class Granting(FakeWorkspace):
    """A workspace in which every task reaches what a test says, as real digests have it."""

    network: tuple[str, ...] = (HERE,)

    def sandbox_sha256(self, task_id: str, sandbox: Sandbox) -> str:
        del task_id, sandbox
        return profile_sha256(*RUNNER, Sandbox(network=self.network))


def released() -> Granting:
    """Return a workspace in which Bob has signed that a task may start with its hosts."""
    place = Granting(ROOT)
    trusting(place, rule())
    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": [["deploy", "here"]]})
    sign(place, BOB, "1-go")
    return place


@pytest.mark.promise("G02")
def test_what_was_signed_and_what_starts_have_the_digest_of_the_hosts() -> None:
    place = released()
    digest = profile_sha256(*RUNNER, Sandbox(network=(HERE,)))

    resume(place)

    (answer,) = of_type(place, ev.BreakpointResponded)
    assert answer.statement_ref is not None
    statement = parse_statement(place.store.read_file("r", answer.statement_ref.path))
    assert [call.sandbox_sha256 for call in statement.predicate.approves] == [digest]
    assert [event.sandbox_sha256 for event in of_type(place, ev.EffectStarted)] == [digest]


@pytest.mark.promise("G24")
def test_an_approver_is_shown_what_a_task_may_reach_and_write() -> None:
    place = Granting(ROOT)
    trusting(place, rule())
    task = SandboxTask(task="deploy", network=(HERE, "*.b.test:1"), write=("dist/\n\n## Rule none",))
    settings = structs.replace(place.place.settings, sandbox=SandboxTable(tasks=(task,)))
    place.place = structs.replace(place.place, settings=settings)

    start(place, "asking_first", {"asked": [["deploy", "here"]], "made": []})

    shown = place.store.read_file("r", shown_path("1-go")).decode()
    assert f"It may reach: {HERE}, *.b.test:1.\n\nIt may write: dist/ ## Rule none.\n" in shown
    sign(place, BOB, "1-go")
    assert [event.decision for event in of_type(place, ev.BreakpointResponded)] == ["approve"]


@pytest.mark.promise("G02")
@pytest.mark.parametrize("changed", ["api.example.org:443", "api.example.com:8443", "*.example.com:443", "*"])
def test_an_approval_does_not_hold_for_another_host(changed: str) -> None:
    place = released()

    place.network = (changed,)
    view = resume(place)

    assert view.status == "waiting"
    assert place.performed == []


def test_the_digest_is_of_what_is_performed_when_the_settings_change_meanwhile() -> None:
    """A driver reads its file anew for rules; grants are those that it began with, in both places."""

    class Recording(Granting):
        digested: ClassVar[list[tuple[str, Sandbox]]] = []

        def sandbox_sha256(self, task_id: str, sandbox: Sandbox) -> str:
            self.digested.append((task_id, sandbox))
            return super().sandbox_sha256(task_id, sandbox)

    def grant(network: str) -> None:
        sandbox = SandboxTable(tasks=(SandboxTask(task="fetch", network=(network,)),))
        settings = structs.replace(place.place.settings, sandbox=sandbox)
        place.place = structs.replace(place.place, settings=settings)

    place = Recording(ROOT)
    place.script = {"build": lambda _attempt, _value: grant("evil.test:443")}
    grant(HERE)
    start(place, "building_then_fetching", "x")

    (performed,) = [attempt.spec.sandbox for attempt in place.performed if attempt.spec.task_id == "fetch"]
    assert performed.network == (HERE,)
    assert [sandbox for task_id, sandbox in place.digested if task_id == "fetch"] == [performed]


TASKS = """
from babysitter import Context, Sandbox, process, shell_task, task

@shell_task(sandbox=Sandbox(network=("api.example.com:443",)))
def fetch() -> list[str]:
    return ["true"]

@task(id="second-name")
def other() -> None: ...

@process
async def run(ctx: Context) -> None: ...
"""


def test_a_task_is_named_by_its_function_or_its_id(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(TASKS)

    place = FakeWorkspace(tmp_path)
    assert load_task(place, "p.py#fetch").sandbox.network == (HERE,)
    assert load_task(place, "p.py#other") == load_task(place, "p.py#second-name")
    for entry, said in (
        ("p.py", r"2 tasks \(fetch, other\)"),
        ("p.py#run", "no task"),
        ("q.py#x", "no file"),
    ):
        with pytest.raises(EntryError, match=said):
            load_task(place, entry)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ((), "nothing: no network"),
        (("*",), "every network of this machine"),
        (("loopback",), "it is for those alone"),
        ((HERE,), "api.example.com:443, at its public addresses"),
        (("*.example.com:443",), "every name below that domain"),
        (("10.0.0.0/8:5432",), "by its address"),
        (("example.com",), "nothing: the network grant"),
    ],
)
def test_the_words_say_what_is_reached(network: tuple[str, ...], said: str) -> None:
    sandbox = Sandbox(network=network, env=("CI", "HOST"))

    words = words_for(sandbox, effective_profile(*RUNNER, sandbox), {"CI": "1"})

    assert said in " ".join(words.reaches)
    assert words.environment[-2:] == ("CI", "HOST (not set here)")


def test_the_words_do_not_promise_what_nothing_holds() -> None:
    words = words_for(Sandbox(), effective_profile("none", "rlimits", Sandbox()), {})

    assert "nothing is confined" in words.sees[0]
    assert words.reaches == ("every network of this machine",)
