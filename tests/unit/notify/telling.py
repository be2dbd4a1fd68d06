"""What the tests about telling people share: runs that ask, an outbox over them, channels that note it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import orjson
from msgspec.structs import replace

from babysitter.model.notify_settings import ChannelTable, NoticeKind, NotifyTable
from babysitter.service.delivery import Delivery
from babysitter.service.notify.channel import Channel
from babysitter.service.notify.kept import Folder, OutboxFiles
from babysitter.service.notify.outbox import Outbox, Parts
from babysitter.service.notify.words import Letter, Surroundings
from babysitter.service.runs import RunService
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.workspace import SETTINGS, FakeWorkspace

ROOT = Path(__file__).parent
HOUR_NS = 3600 * 1_000_000_000
EVERYTHING: tuple[NoticeKind, ...] = get_args(NoticeKind)


def channel(name: str = "ops", **more: Any) -> ChannelTable:
    return ChannelTable(name=name, kind="webhook", url="https://example.com/", keys=("env:KEY",), **more)


def workspace(*channels: ChannelTable, **notify: Any) -> FakeWorkspace:
    table = NotifyTable(channels=channels or (channel(),), **notify)
    return FakeWorkspace(ROOT, settings=replace(SETTINGS, notify=table))


def ask(place: FakeWorkspace, run_id: str = "r", **inputs: Any) -> None:
    RunService(place).start("processes.py#asking", inputs, run_id=run_id)


def answer(
    place: FakeWorkspace, decision: str = "approve", breakpoint_id: str = "1-production-deployment"
) -> None:
    Delivery(place).answer("r", breakpoint_id, decision)
    RunService(place).drive("r")


class Taken:
    """Channels of any name. ``letters``: what they took, by channel; ``fails``: what each raises instead.

    look: is given each letter before it is taken.
    """

    def __init__(self) -> None:
        self.letters: list[tuple[str, Letter]] = []
        self.tries: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.look: Callable[[Letter], None] = lambda _letter: None

    def open(self, table: ChannelTable) -> Channel:
        return _Noting(self, table.name)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(name, orjson.loads(letter.body)["type"]) for name, letter in self.letters]

    @property
    def ids(self) -> list[str]:
        return [letter.id for _, letter in self.letters]


class _Noting:
    def __init__(self, taken: Taken, name: str) -> None:
        self._taken = taken
        self._name = name

    def send(self, letter: Letter, now_s: int) -> None:
        del now_s
        self._taken.look(letter)
        self._taken.tries.append(self._name)
        if self._name in self._taken.fails:
            raise self._taken.fails[self._name]
        self._taken.letters.append((self._name, letter))


def outbox(place: FakeWorkspace, folder: Path, taken: Taken, tree: Folder | None = None) -> Outbox:
    settings = place.place.settings.notify
    around = Surroundings(workspace="shop", link=settings.link, mask=lambda text: text)
    return Outbox(
        Parts(
            store=place.store,
            files=OutboxFiles(tree or Tree(RealDisk(), str(folder)), "outbox"),
            clock=place.clock,
            dice=place.dice,
            settings=lambda: place.place.settings.notify,
            policy=lambda: place.policy,
            around=lambda: around,
            open_channel=taken.open,
        )
    )


def now_ns(place: FakeWorkspace, *, hours: float = 0) -> int:
    return place.clock.now_ns() + round(hours * HOUR_NS)


def states(box: Outbox, at_ns: int) -> list[tuple[str, str]]:
    return [(kept.kind, kept.state) for _, kept in box.survey(at_ns)]


def names(kinds: Iterable[tuple[str, str]]) -> list[str]:
    return [kind for _, kind in kinds]
