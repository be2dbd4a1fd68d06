"""What a process may do is read from its code, without running it; what can't be read is said."""

from babysitter.scanners.process_tasks import packages_in, processes_in, tasks_in, unread_permissions
from tests.unit.scanners.closures import modules

FLOW = """
import babysitter as b
from babysitter import Sandbox, Secret, process, shell_task
from settings import HOSTS
OUT = ("dist/",)
BOX = Sandbox(write=OUT + ("tmp/",), env=["HOME"])


@shell_task(sandbox=BOX, idempotent=True)
def build(): ...


@b.task(
    id="ship", environment="production", critical=True,
    sandbox=b.Sandbox(network=HOSTS, devices=("/dev/kvm",)),
)
def deploy(key: Secret): ...


@b.task(inline=True)
def double(n): ...


@b.node_task("work.js", sandbox=Sandbox(read=("/opt/x",)))
def work(): ...


@process
async def main(ctx): ...
"""


def test_every_task_is_listed_with_what_it_is_granted() -> None:
    found = modules(flow=FLOW, settings='HOSTS = ["api.example.com:443"]\n')

    build, ship, double, work = tasks_in(found)

    assert (build.task_id, build.kind, build.write, build.env, build.idempotent) == (
        "build", "shell", ("dist/", "tmp/"), ("HOME",), True,
    )  # fmt: skip
    assert (ship.task_id, ship.kind, ship.environment, ship.critical) == (
        "ship",
        "python",
        "production",
        True,
    )
    assert (ship.network, ship.devices, ship.takes_secrets) == (("api.example.com:443",), ("/dev/kvm",), True)
    assert double.kind == "inline"
    assert (work.kind, work.script, work.read) == ("node", "work.js", ("/opt/x",))
    assert [each.name for each in processes_in(found)] == ["main"]
    assert list(unread_permissions(found)) == []


def test_what_is_computed_is_said_and_never_left_out() -> None:
    text = "from babysitter import task, Sandbox\nimport os\n"
    text += "@task(sandbox=Sandbox(network=tuple(os.environ)), **MORE)\ndef work(): ...\nmade = task(print)\n"
    found = modules(flow=text)

    [work] = tasks_in(found)
    findings = list(unread_permissions(found))

    assert work.unknown == ("sandbox=Sandbox(network=tuple(os.environ))", "**=MORE")
    assert [each.rule for each in findings] == ["computed-permission"] * 3
    assert [each.category for each in findings] == ["permission"] * 3
    assert "used otherwise than as a decorator" in findings[-1].message


def test_a_name_that_is_bound_twice_is_not_believed() -> None:
    text = "from babysitter import task, Sandbox\nBOX = Sandbox()\nBOX = Sandbox(network=('*',))\n"
    [work] = tasks_in(modules(flow=text + "@task(sandbox=BOX)\ndef work(): ...\n"))

    assert work.unknown == ("sandbox=BOX",)


def test_packages_from_outside_are_named() -> None:
    text = (
        "import requests, json, near\nfrom numpy.linalg import norm\nfrom . import other\nimport babysitter\n"
    )

    assert packages_in(modules(flow=text, near="", other="")) == ("numpy", "requests")


def test_a_task_that_another_of_its_name_replaces_is_listed_with_what_it_may() -> None:
    """It may be kept under another name before."""
    listed = tasks_in(
        modules(
            a="from babysitter import task, Sandbox\n"
            "@task(sandbox=Sandbox(network=('*',)))\ndef f(): ...\nkept = f\n"
            "@task\ndef f(): ...\n"
        )
    )

    assert [(each.line, each.network) for each in listed] == [(3, ("*",)), (6, ())]


def test_tasks_that_a_call_makes_are_listed_with_what_they_may() -> None:
    text = (
        "import babysitter\nfrom babysitter import Sandbox, security_scan, security_tests\n"
        "look = security_scan(tools=['snyk'], sandbox=Sandbox(network=('*',), env=('SNYK_TOKEN',)))\n"
        "async def main(ctx):\n"
        "    await ctx.task(babysitter.security_tests(id='t', sandbox=Sandbox(write=('.',))))\n"
        "    await ctx.task(security_tests(sandbox=ctx.grants))\n"
    )

    listed = tasks_in(modules(flow=text))

    assert [(each.task_id, each.kind, each.network, each.env, each.write) for each in listed] == [
        ("security_scan", "scan", ("*",), ("SNYK_TOKEN",), ()),
        ("t", "tests", (), (), (".",)),
        ("security-tests", "tests", (), (), ()),
    ]
    assert listed[2].unknown == ("sandbox=ctx.grants",)


def test_a_maker_of_tasks_that_is_handed_on_is_told_since_what_it_makes_is_not_listed() -> None:
    imports = "from functools import partial\nfrom babysitter import security_tests\n"
    text = f"{imports}partial(security_tests, id='x')\n"

    (finding,) = unread_permissions(modules(flow=text))

    assert "security_tests is used otherwise than in a call" in finding.message
