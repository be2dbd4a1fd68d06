"""Use cases: send what is owed, list it, try a channel; and a driver that tells of its own run."""

import threading
from collections.abc import Iterator, Mapping
from functools import partial

import orjson

from babysitter.model.clock import format_time
from babysitter.model.errors import BabysitterError, NotFoundError
from babysitter.model.notify_settings import ChannelTable
from babysitter.service.declared import secrets_to_declare
from babysitter.service.notify.channel import Channel
from babysitter.service.notify.kept import OutboxFiles
from babysitter.service.notify.opening import check_names, open_channel
from babysitter.service.notify.outbox import Outbox, Parts
from babysitter.service.notify.sending import Report
from babysitter.service.notify.words import Letter, Surroundings
from babysitter.service.views import View
from babysitter.service.wiring import Workspace, beside_runs, folder_tree
from babysitter.transport.reach import Reach

_POLL_S = 1.0
_BUSY_PAUSE_S = 0.2
LEAVING_S = 5.0
"""How long a driver that leaves waits for what it sends."""


class NoticeView(View, frozen=True, kw_only=True):
    """A notice. ``state``: owed, sent, failed or withdrawn; ``problem``: why it was not taken, last time."""

    id: str
    kind: str
    channel: str
    state: str
    run_id: str
    breakpoint_id: str
    seq: int
    due_at: str
    attempts: int
    next_at: str | None
    problem: str


class SentView(View, frozen=True, kw_only=True):
    """What a turn came to. ``problems``: of channels; ``unreadable``: runs whose journal can't be read."""

    sent: int
    failed: int
    owed: int
    problems: dict[str, str]
    unreadable: dict[str, str]
    is_busy: bool


def open_outbox(workspace: Workspace, reach: Reach | None = None) -> Outbox:
    """Return the outbox of a workspace. ``reach``: how webhooks are connected to; tests give their own.

    Raises:
        SettingsError: a channel is for somebody who is not there.
    """
    check_names(workspace.place.settings.notify, workspace.policy)
    folder = beside_runs(workspace.place.runs_dir, "outbox")
    return Outbox(
        Parts(
            store=workspace.store,
            files=OutboxFiles(folder_tree(folder.parent), folder.name),
            clock=workspace.clock,
            dice=workspace.dice,
            settings=lambda: workspace.place.settings.notify,
            policy=lambda: workspace.policy,
            around=partial(_surroundings, workspace),
            open_channel=partial(opened_channel, workspace, reach=reach or Reach()),
        )
    )


def send_owed(workspace: Workspace) -> SentView:
    """Send everything that is owed and due, once."""
    return _view(open_outbox(workspace).send_due(workspace.clock.now_ns()))


def list_notices(workspace: Workspace) -> list[NoticeView]:
    """Return every notice that is owed, or was, the oldest first."""
    return [
        NoticeView(
            id=kept.id,
            kind=kept.kind,
            channel=kept.channel,
            state=kept.state,
            run_id=run_id,
            breakpoint_id=kept.breakpoint_id,
            seq=kept.seq,
            due_at=format_time(kept.due_ns),
            attempts=kept.attempts,
            next_at=format_time(kept.next_ns) if kept.state == "owed" and kept.next_ns else None,
            problem=kept.problem,
        )
        for run_id, kept in open_outbox(workspace).survey(workspace.clock.now_ns())
    ]


def try_channel(workspace: Workspace, name: str, reach: Reach | None = None) -> None:
    """Send a letter that says that it is a test, and nothing else.

    Raises:
        NotFoundError: there is no such channel.
        NotifyError: it was not taken.
    """
    channels = workspace.place.settings.notify.channels
    table = next((channel for channel in channels if channel.name == name), None)
    if table is None:
        known = ", ".join(channel.name for channel in channels) or "none"
        raise NotFoundError(f"there is no channel {name}.", hint=f"Channels of babysitter.toml: {known}.")
    now_ns = workspace.clock.now_ns()
    identity = f"msg_test{workspace.dice.bits(96):024x}"
    title, text = "Test", f"Babysitter can reach this channel ({name}). Nothing waits for you."
    data = {"id": identity, "workspace": workspace.place.settings.workspace.id, "title": title, "text": text}
    body = orjson.dumps({"type": "test", "timestamp": format_time(now_ns), "data": data})
    letter = Letter(id=identity, title=title, text=text, body=body)
    opened_channel(workspace, table, reach or Reach()).send(letter, now_ns // 1_000_000_000)


class Beside:
    """Tells of one run, and of those that it starts, beside its driver: never in its way.

    What it could not send stays owed; the next driver, ``notify send`` or the server sends it.
    """

    def __init__(self, workspace: Workspace, run_id: str, reach: Reach | None = None) -> None:
        self._workspace = workspace
        self._run_id = run_id
        self._reach = reach
        self._leaving = threading.Event()
        self._until_s: float | None = None
        self._last = Report()
        self._problems: dict[str, str] = {}
        self._failed = 0
        self._problem = ""
        self._thread = threading.Thread(target=self._tell, name="notify", daemon=True)

    def start(self) -> None:
        """Begin. Nothing that goes wrong from here on reaches the driver."""
        self._thread.start()

    def finish(self, limit_s: float = LEAVING_S) -> list[str]:
        """Send what is left, for that long at most; return what is to be said about it."""
        self._until_s = self._workspace.clock.monotonic_s() + limit_s
        self._leaving.set()
        self._thread.join(timeout=limit_s)
        if self._thread.is_alive():
            return [f"Notifications are still being sent after {limit_s:g} seconds; what is left stays owed."]
        return list(self._told())

    def _told(self) -> Iterator[str]:
        if self._problem:
            yield self._problem
        if self._last.is_busy:
            yield "Another process is sending notifications; what is left stays owed."
        if self._last.owed or self._failed:
            yield from self._problems.values()
        if self._last.owed:
            yield f"{self._last.owed} notification(s) stay owed: babysitter notify send"

    def _tell(self) -> None:
        outbox = None
        is_last = False
        while not is_last:
            is_last = self._leaving.is_set()
            try:
                outbox = outbox or open_outbox(self._workspace, self._reach)
                self._turn(outbox, is_last=is_last)
                self._problem = ""
            except BabysitterError as error:
                self._problem = f"{error.message} {error.hint}".strip()
            except Exception as error:  # noqa: BLE001 (a defect of ours here is no reason to fail a run)
                self._problem = f"A defect of Babysitter while telling people: {type(error).__name__}."
                return
            if not is_last:
                self._leaving.wait(_POLL_S)

    def _turn(self, outbox: Outbox, *, is_last: bool) -> None:
        clock = self._workspace.clock
        while True:
            self._last = outbox.send_due(clock.now_ns(), run_id=self._run_id, until_s=self._until_s)
            # What was told of a channel stays so: until it is tried again no turn says it anew.
            self._problems |= self._last.problems
            self._failed += self._last.failed
            is_over = self._until_s is not None and clock.monotonic_s() >= self._until_s
            if not (is_last and self._last.is_busy) or is_over:
                return
            self._workspace.pause(_BUSY_PAUSE_S)


def _view(report: Report) -> SentView:
    return SentView(
        sent=report.sent,
        failed=report.failed,
        owed=report.owed,
        problems=report.problems,
        unreadable=report.unreadable,
        is_busy=report.is_busy,
    )


def _surroundings(workspace: Workspace) -> Surroundings:
    secrets = workspace.secrets(secrets_to_declare(workspace, ()))
    settings = workspace.place.settings
    return Surroundings(
        workspace=settings.workspace.id,
        link=settings.notify.link or settings.server.public_url,
        mask=secrets.masker.mask_text,
    )


def opened_channel(workspace: Workspace, table: ChannelTable, reach: Reach | None = None) -> Channel:
    """Return what sends on a channel of a workspace. Nothing is sent yet, and nobody is asked for anything.

    Raises:
        NotifyError: its address or a key can't be had, or is none.
    """
    return open_channel(table, partial(_values, workspace), reach or Reach())


def _values(workspace: Workspace, refs: tuple[str, ...]) -> Mapping[str, str]:
    vault = workspace.secrets(refs).vault
    return {ref: vault.resolve(ref) for ref in refs}
