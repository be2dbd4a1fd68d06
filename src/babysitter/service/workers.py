"""Makes the worker that goes on with an opened run, and all that it works with: floor, inbox, journalist."""

from collections.abc import Callable
from functools import lru_cache, partial

from babysitter.journal.outputs import Tee
from babysitter.model.effects import Sandbox, TaskSpec
from babysitter.service.arriving import Inbox
from babysitter.service.children import Children
from babysitter.service.gates import Gates
from babysitter.service.journaling import Journalist
from babysitter.service.judges import gates_of, judge_of
from babysitter.service.mail import AnyMail, decode_mail, unmasked
from babysitter.service.past_answers import consecutive_approvals
from babysitter.service.patience import Face
from babysitter.service.pending import HARNESS
from babysitter.service.performing import Floor, Performer
from babysitter.service.reviewing import Review, Scans
from babysitter.service.session import Opened
from babysitter.service.waiting import Waiting
from babysitter.service.wiring import Workspace
from babysitter.service.worker import Limits, Worker


def this_process(workspace: Workspace) -> str:
    """Return the name of the account that runs this process, with its machine's."""
    return f"{workspace.place.user}@{workspace.place.host}"


def make_worker(
    workspace: Workspace, opened: Opened, face: Face, children: Children, *, harness: str = ""
) -> Worker:
    """Return the worker that goes on from where the run stands.

    ``harness``: who performs the effects and posts their outcomes; empty: this process performs them.
    """
    settings = workspace.place.settings
    floor = _floor(workspace, opened, face)

    @lru_cache(maxsize=256)
    def digest_of(task_id: str, sandbox: Sandbox) -> str:
        # By the settings with which this driver performs: the file may be read anew meanwhile.
        return workspace.sandbox_sha256(task_id, settings.granted(task_id, sandbox))

    def sandbox_sha256(spec: TaskSpec) -> str:
        return "inline" if spec.kind == "inline" else digest_of(spec.task_id, spec.sandbox)

    review = _review(workspace, opened)
    gates = gates_of(workspace, opened.run_id, opened.state, review)
    inbox = _inbox(workspace, opened, floor, children, gates)
    ledger = workspace.ledger(opened.run_id)
    ledger.caught_up(opened.state)
    worker = Worker(
        run_id=opened.run_id,
        machine=opened.machine,
        state=opened.state,
        writer=opened.writer,
        journalist=_journalist(workspace, opened, gates, review, sandbox_sha256),
        floor=floor,
        inbox=inbox,
        children=children,
        waiting=Waiting(inbox),
        face=face,
        clock=workspace.clock,
        dice=workspace.dice,
        gates=gates,
        ledger=ledger,
        limits=Limits(
            concurrency=settings.worker.concurrency,
            steps=settings.budget.steps,
            seconds=settings.budget.seconds,
            inline=settings.sandbox.inline == "allow",
        ),
        name=f"{HARNESS}{harness}" if harness else this_process(workspace),
        user=workspace.place.user,
        sandbox_sha256=sandbox_sha256,
        calls=opened.calls,
        is_harness=bool(harness),
    )
    worker.pick_up()
    return worker


def _floor(workspace: Workspace, opened: Opened, face: Face) -> Floor:
    worker = workspace.place.settings.worker
    created = opened.state.created
    performer = Performer(
        # Made when the first effect needs one: a run of inline tasks probes no sandbox.
        executors=lru_cache(maxsize=1)(
            partial(
                workspace.executors,
                opened.secrets,
                opened.loaded.sources.files,
                began=created.workspace_tree if created is not None else "",
            )
        ),
        granted=workspace.place.settings.granted,
        call_inline=workspace.call_inline,
        clock=workspace.clock,
        output_bytes_max=worker.output_mb * 1024 * 1024,
        tee=partial(_tee, face),
    )
    return Floor(performer, opened.writer, worker.concurrency)


def _review(workspace: Workspace, opened: Opened) -> Review:
    created = opened.state.created
    assert created is not None, "a run that was opened has its first line"
    return Review(
        began=created.workspace_tree,
        changes=workspace.changes,
        scans=partial(_scans, workspace),
        writer=opened.writer,
    )


def _scans(workspace: Workspace) -> Scans:
    from babysitter.service.scans import scans_of  # noqa: PLC0415 (few runs scan, and each one starts)

    return workspace.scans or scans_of(workspace)


def _journalist(
    workspace: Workspace,
    opened: Opened,
    gates: Gates,
    review: Review,
    sandbox_sha256: Callable[[TaskSpec], str],
) -> Journalist:
    return Journalist(
        run_id=opened.run_id,
        writer=opened.writer,
        clock=workspace.clock,
        dice=workspace.dice,
        gates=gates,
        review=review,
        sandbox_sha256=sandbox_sha256,
        granted=workspace.place.settings.granted,
        workspace=workspace.root,
        artifacts=opened.state.artifacts,
        read_file=partial(workspace.store.read_file, opened.run_id),
    )


def _tee(face: Face, effect_id: str, stream: str) -> Tee | None:
    """Return who sees an effect's output live: nobody, or the face."""
    if face.follows == "nothing":
        return None
    return Tee(show=partial(face.output, effect_id, stream), clear=face.follows == "clear")


def _inbox(workspace: Workspace, opened: Opened, floor: Floor, children: Children, gates: Gates) -> Inbox:
    lease, masker = opened.writer.lease, opened.secrets.masker
    seen: set[str] = set()

    def mail() -> list[tuple[str, AnyMail]]:
        found = []
        for name in lease.mail():
            if name not in seen:
                seen.add(name)
                found.append((name, unmasked(decode_mail(name, lease.read_mail(name)), masker)))
        return found

    return Inbox(
        floor_arrivals=floor.arrivals,
        children=children,
        read_mail=mail,
        delete_mail=lease.delete_mail,
        judge=judge_of(workspace, opened.run_id, gates),
        consecutive=partial(consecutive_approvals, workspace.store, gates.process_id),
        now_ns=workspace.clock.now_ns,
        monotonic_s=workspace.clock.monotonic_s,
    )
