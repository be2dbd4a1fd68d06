"""What a task may do, said before it runs, and a command tried in the same sandbox."""

import msgspec
from msgspec import Struct, structs

from babysitter.authoring.tasks import Task
from babysitter.config import environment
from babysitter.model.effects import Denial, Sandbox, TaskSpec
from babysitter.model.errors import EntryError, SandboxError
from babysitter.model.runner import OutputSink, Program, StopToken
from babysitter.model.values import Json
from babysitter.service.entries import load_module
from babysitter.service.sandbox_words import Words, words_for
from babysitter.service.views import View
from babysitter.service.wiring import Workspace

TIMEOUT_STATUS = 124
STOPPED_STATUS = 130
OUTPUT_CHARS_MAX = 32 * 1024
_SIGNALED = 128


class SandboxView(View, frozen=True, kw_only=True):
    """A task's sandbox as it takes effect here.

    sandbox_sha256: as EFFECT_STARTED and an approver's statement have it. profile: what it is the digest of.
    extra: what the settings grant beyond the author. refusal: why an attempt would be refused, if it would.
    """

    task: str
    kind: str
    source: str
    runner: str
    sandbox_sha256: str
    profile: Json
    extra: dict[str, list[str]]
    words: Words
    timeout_s: float | None = None
    refusal: str | None = None
    hint: str | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """A command to try, and with what. ``like``: a task whose sandbox it begins with."""

    argv: tuple[str, ...]
    like: str | None = None
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout_s: float | None = None
    keep_output: bool = False


class TrialView(View, frozen=True, kw_only=True):
    """How a command ended. ``status``: what ``sandbox try`` leaves with; ``why``: as in ``Ended``."""

    command: list[str]
    status: int
    why: str
    runner: str
    sandbox_sha256: str
    denials: list[Denial]
    usage: dict[str, float]
    stdout: str | None = None
    stderr: str | None = None


def explain(workspace: Workspace, entry: str) -> SandboxView:
    """Return what a task may do here.

    Raises:
        EntryError: the entry names no task.
        SandboxError: nothing can be confined on this machine.
    """
    spec = load_task(workspace, entry)
    if spec.kind == "inline":
        raise EntryError(
            f"the task {spec.task_id} is inline: it runs in the driver, without a sandbox.",
            hint="Take inline=True away to have it confined.",
        )
    confinement = workspace.confinement
    granted = workspace.place.settings.granted(spec.task_id, spec.sandbox)
    refusal: SandboxError | None = None
    try:
        confinement.check(granted)
    except SandboxError as error:
        refusal = error
    profile = confinement.profile(granted)
    return SandboxView(
        task=spec.task_id,
        kind=spec.kind,
        source=spec.source,
        runner=confinement.name,
        sandbox_sha256=confinement.profile_sha256(granted),
        profile=profile,
        extra=_extra(spec.sandbox, granted),
        words=words_for(granted, profile, environment()),
        timeout_s=spec.timeout_s,
        refusal=None if refusal is None else refusal.message,
        hint=None if refusal is None else refusal.hint,
    )


def load_task(workspace: Workspace, entry: str) -> TaskSpec:
    """Return the definition of the task that ``path/to/file.py#task`` or ``package.module:task`` names.

    Raises:
        EntryError: it names none, or a file of several without saying which.
        UntrustedProcessError: nobody has trusted its code, so nothing of it is run.
    """
    module, name = load_module(workspace.admission, entry, workspace.root)
    found = {key: value.spec for key, value in vars(module).items() if isinstance(value, Task)}
    if name:
        by_id = {spec.task_id: spec for spec in found.values()}
        if name not in found and name not in by_id:
            known = ", ".join(sorted(found)) or "none"
            raise EntryError(f"{entry} names no task; found: {known}.", hint="Decorate it with @task.")
        return found.get(name) or by_id[name]
    if len(found) != 1:
        known = ", ".join(sorted(found)) or "none"
        raise EntryError(
            f"{entry} has {len(found)} tasks ({known}).", hint="Say which: path/to/file.py#task."
        )
    return next(iter(found.values()))


def _extra(asked: Sandbox, granted: Sandbox) -> dict[str, list[str]]:
    before, after = msgspec.to_builtins(asked), msgspec.to_builtins(granted)
    return {name: list(after[name][len(before[name]) :]) for name in after if after[name] != before[name]}


def try_command(
    workspace: Workspace, wanted: Wanted, sinks: tuple[OutputSink, OutputSink], stop: StopToken
) -> TrialView:
    """Run a command in a sandbox of this workspace, to its end. No run is made and nothing is journaled.

    Raises:
        EntryError: ``wanted.like`` names no task.
        SandboxError: the grants are refused, or nothing can be confined here.
        MissingToolError: the program is not on this machine.
    """
    confinement = workspace.confinement
    sandbox = _sandbox_of(workspace, wanted)
    environ = environment()
    passed = {name: environ[name] for name in sandbox.env if name in environ}
    program = Program(argv=wanted.argv, env=passed, timeout_s=wanted.timeout_s)
    ended = confinement.run(program, sandbox, *sinks, stop)
    status = {
        "exit": ended.status,
        "signal": _SIGNALED + ended.status,
        "timeout": TIMEOUT_STATUS,
        "stopped": STOPPED_STATUS,
    }[ended.why]
    stdout, stderr = (sink.tail(OUTPUT_CHARS_MAX) if wanted.keep_output else None for sink in sinks)
    return TrialView(
        command=list(wanted.argv),
        status=status,
        why=ended.why,
        runner=confinement.name,
        sandbox_sha256=confinement.profile_sha256(sandbox),
        denials=list(ended.denials),
        usage=ended.usage,
        stdout=stdout,
        stderr=stderr,
    )


def _sandbox_of(workspace: Workspace, wanted: Wanted) -> Sandbox:
    """Return a task's sandbox as it takes effect here, with the further grants; or, of no task, these."""
    asked = Sandbox()
    if wanted.like is not None:
        spec = load_task(workspace, wanted.like)
        asked = workspace.place.settings.granted(spec.task_id, spec.sandbox)
    return structs.replace(
        asked,
        read=asked.read + wanted.read,
        write=asked.write + wanted.write,
        network=asked.network + wanted.network,
        env=asked.env + wanted.env,
    )
