"""Creating runs and opening them for a driver: from an entry to a first line, from a journal to a machine."""

import platform
from dataclasses import dataclass

import msgspec

from babysitter._version import __version__
from babysitter.engine.guard import Guard
from babysitter.engine.machine import Machine
from babysitter.journal.reader import history
from babysitter.journal.writer import JournalWriter, create_journal
from babysitter.model import commands as cmd
from babysitter.model import events as ev
from babysitter.model.clock import format_time
from babysitter.model.errors import ProcessChangedError, RunExistsError, RunLockedError
from babysitter.model.ids import check_run_id, ulid
from babysitter.model.values import Json, check_json
from babysitter.service.declared import secrets_to_declare
from babysitter.service.entries import LoadedProcess, load_admitted
from babysitter.service.reading import read_state, run_created
from babysitter.service.state import RunState
from babysitter.service.wiring import Secrets, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run begins with. ``entry`` as the user gave it; ``run_id`` None: a new ULID.

    allow_untrusted: a person said that the code may run though nobody has trusted it; journaled.
    requested_by: who asks; empty: the local user.
    harness: it is for a harness that performs the effects itself.
    """

    entry: str
    inputs: Json
    run_id: str | None = None
    parent_run_id: str | None = None
    allow_untrusted: bool = False
    requested_by: str = ""
    harness: bool = False


def create_run(workspace: Workspace, new: NewRun, *, sandbox: str) -> str:
    """Create a run, whole and durable, and return its id. Nothing of it is performed.

    Raises:
        UntrustedProcessError: nobody who may has trusted the code; nothing of it was run.
        EntryError, InvalidValueError: the entry names no process, or the inputs don't fit it.
        RunExistsError: there is a run of that id, or one whose child may have it.
    """
    loaded = load_admitted(
        workspace.admission, new.entry, workspace.root, allow_untrusted=new.allow_untrusted
    )
    assert loaded.admitted is not None, "it was asked"
    check_json(new.inputs, where="inputs")
    loaded.process.inputs_from(new.inputs)
    clock, dice = workspace.clock, workspace.dice
    now_ns = clock.now_ns()
    requested_by = new.requested_by or workspace.place.user
    run_id = check_run_id(new.run_id) if new.run_id else ulid(now_ns // 1_000_000, dice.bits(80))
    if new.parent_run_id is None:
        _refuse_the_place_of_a_child(run_id, workspace)
    declared = secrets_to_declare(workspace, loaded.secrets)
    masker = workspace.secrets(declared).masker
    facts = {
        "runId": run_id,
        "processId": loaded.process.process_id,
        "entry": loaded.entry,
        "createdAt": format_time(now_ns),
        "requestedBy": requested_by,
        "workspaceId": workspace.place.settings.workspace.id,
        "productVersion": __version__,
        "formatVersion": ev.FORMAT_VERSION,
    }
    created = ev.RunCreated(
        run_id=run_id,
        process_id=loaded.process.process_id,
        entry=loaded.entry,
        process_digest=loaded.digest,
        inputs_sha256="",
        run_sha256="",
        policy_sha256=workspace.policy_now().digest(),
        requested_by=requested_by,
        authors=loaded.authors,
        secrets=declared,
        sandbox=sandbox,
        trust=loaded.admitted.method,
        trusted_by=loaded.admitted.by,
        trust_statements=loaded.admitted.statements,
        format_version=ev.FORMAT_VERSION,
        product_version=__version__,
        python_version=platform.python_version(),
        parent_run_id=new.parent_run_id,
        workspace_tree=workspace.changes.begin() if loaded.shows_changes else "",
        harness=new.harness,
    )
    files = {"run.json": facts, "inputs.json": new.inputs}
    create_journal(workspace.store, run_id, files, [created], masker, clock)
    # The log follows the journal; had we been killed here, the run's first driver would tell it.
    tell_log(workspace, run_id, read_state(workspace.store, run_id))
    return run_id


def _refuse_the_place_of_a_child(run_id: str, workspace: Workspace) -> None:
    parts = run_id.split(".")
    above = {".".join(parts[:count]) for count in range(1, len(parts))}
    taken = sorted(above.intersection(workspace.store.run_ids())) if above else []
    if taken:
        raise RunExistsError(
            f"{run_id} is an id that a child of run {taken[0]} may have.", hint="Choose another, or none."
        )


@dataclass(slots=True, kw_only=True)
class Opened:
    """A run whose lease we hold, replayed to where it stands. ``state.end`` says whether it has ended."""

    run_id: str
    loaded: LoadedProcess
    secrets: Secrets
    writer: JournalWriter
    machine: Machine
    state: RunState
    calls: dict[str, cmd.Command]

    def close(self) -> None:
        """Let go of the run, of the process's code and of the values of its secrets."""
        self.machine.close()
        self.writer.close()
        self.secrets.vault.close()


def open_run(
    workspace: Workspace, run_id: str, *, accept_changed: bool = False, allow_untrusted: bool = False
) -> Opened:
    """Take a run's lease and replay its journal.

    Raises:
        UntrustedProcessError: nobody who may has trusted the code as it is now; nothing of it was run.
        NotFoundError, RunLockedError, CorruptJournalError.
        ProcessChangedError: the code is not the code of the journal, and nobody said that it may be.
        NondeterminismError: the code does something else than the journal has.
    """
    created = run_created(workspace.store, run_id)
    loaded = load_admitted(
        workspace.admission, created.entry, workspace.root, allow_untrusted=allow_untrusted
    )
    secrets = workspace.secrets(created.secrets)
    store = workspace.store
    writer, records = JournalWriter.open(store, run_id, workspace.holder(), secrets.masker, workspace.clock)
    machine: Machine | None = None
    try:
        inputs = secrets.masker.unmask(msgspec.json.decode(store.read_file(run_id, "inputs.json")))
        machine = Machine(loaded.process, run_id, inputs=inputs, matcher=secrets.sight, guard=Guard())
        state, calls = RunState(), dict[str, cmd.Command]()
        for record, event in zip(records, history(records, store, run_id, secrets.masker), strict=True):
            state.apply(event, seq=record.seq, recorded_at=record.recorded_at)
            _replay(machine, event, calls)
        if state.end is None and state.digest != loaded.digest:
            _take_change(workspace, writer, state, loaded, accept_changed=accept_changed)
        if state.end is None:
            _take_trust(workspace, writer, state, loaded)
    except BaseException:
        if machine is not None:
            machine.close()
        writer.close()
        raise
    return Opened(
        run_id=run_id,
        loaded=loaded,
        secrets=secrets,
        writer=writer,
        machine=machine,
        state=state,
        calls=calls,
    )


def _replay(machine: Machine, event: ev.Event, calls: dict[str, cmd.Command]) -> None:
    """Give the machine its next event, and keep the commands of the effects and children that are open."""
    head = machine.next_command()
    machine.receive(event)
    if isinstance(event, (ev.EffectResolved, ev.EffectCancelled)):
        calls.pop(event.effect_id, None)
    elif isinstance(event, (ev.ChildEnded, ev.CallCancelled)):
        calls.pop(event.call_id, None)
    elif isinstance(event, (ev.EffectRequested, ev.ChildStarted)):
        key = event.effect_id if isinstance(event, ev.EffectRequested) else event.call_id
        if isinstance(head, cmd.MarkPatch):
            # The journal is of the code before the patch: the call came to light when that was decided.
            head = next((waits for waits in machine.waiting if waits.call_id == event.call_id), None)
        if head is not None:
            calls[key] = head


def _take_change(
    workspace: Workspace,
    writer: JournalWriter,
    state: RunState,
    loaded: LoadedProcess,
    *,
    accept_changed: bool,
) -> None:
    if not accept_changed:
        raise ProcessChangedError(
            f"the code of {loaded.entry} has changed since this run began "
            f"(digest {state.digest[:12]}… then, {loaded.digest[:12]}… now).",
            hint="Check out the code it began with, or say that the change is meant: "
            "--accept-changed-process (it is journaled). Guard changes with ctx.patched().",
        )
    changed = ev.ProcessChanged(from_digest=state.digest, to_digest=loaded.digest, by=workspace.place.user)
    state.apply(writer.stage(changed), seq=writer.last_seq)


def tell_log(workspace: Workspace, run_id: str, state: RunState) -> None:
    """Tell the log what it lacks of a run that nobody drives: its beginning, or an end that a crash kept.

    Never without the lease: two who tell of a beginning make two keys, and the log gets both.
    """
    try:
        lease = workspace.store.lease(run_id, workspace.holder())
    except RunLockedError:
        # Whoever holds it tells the log before anything is done.
        return
    try:
        workspace.ledger(run_id).caught_up(state)
    finally:
        lease.release()


def _take_trust(workspace: Workspace, writer: JournalWriter, state: RunState, loaded: LoadedProcess) -> None:
    """Journal why the code may run, where the journal does not say it already."""
    admitted = loaded.admitted
    assert admitted is not None, "it was asked"
    if admitted.method == "allowed-untrusted" or state.trust != (admitted.method, admitted.statements):
        event = ev.ProcessAdmitted(
            digest=loaded.digest,
            trust=admitted.method,
            trusted_by=admitted.by,
            trust_statements=admitted.statements,
            by=workspace.place.user,
        )
        state.apply(writer.stage(event))
