"""What the service's tests share: a workspace over ``processes.py``, and words for driving and looking."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from babysitter.config import BudgetTable, SandboxTable, Settings, WorkerTable
from babysitter.journal.verify import verify_run
from babysitter.model import events as ev
from babysitter.model.values import Json
from babysitter.service.delivery import Delivery, Sent
from babysitter.service.patience import Patience
from babysitter.service.runs import RunService
from babysitter.service.views import RunView
from babysitter.stores.interface import Store
from babysitter.testing.workspace import SETTINGS, FakeWorkspace

ROOT = Path(__file__).parent


def workspace(store: Store | None = None, **more: Json) -> FakeWorkspace:
    return FakeWorkspace(ROOT, store=store, **more)


def settings(*, concurrency: int = 8, steps: int = 0, seconds: float = 0, inline: Json = "allow") -> Settings:
    return replace(
        SETTINGS,
        worker=WorkerTable(concurrency=concurrency),
        budget=BudgetTable(steps=steps, seconds=seconds),
        sandbox=SandboxTable(inline=inline),
    )


def start(place: FakeWorkspace, name: str, inputs: Json, *, patience: Patience | None = None) -> RunView:
    return RunService(place).start(f"processes.py#{name}", inputs, run_id="r", patience=patience)


def create(place: FakeWorkspace, name: str, inputs: Json) -> str:
    return RunService(place).create(f"processes.py#{name}", inputs, run_id="r")


def resume(place: FakeWorkspace, *, patience: Patience | None = None) -> RunView:
    return RunService(place).drive("r", patience=patience)


def answer(place: FakeWorkspace, breakpoint_id: str, decision: str, comment: str = "") -> Sent:
    return Delivery(place).answer("r", breakpoint_id, decision, comment=comment)


def of_type(place: FakeWorkspace, kind: type[ev.Event], run_id: str = "r") -> list[Any]:
    return [event for event in place.events(run_id) if type(event) is kind]


def verifies(place: FakeWorkspace, run_id: str = "r") -> bool:
    problems = verify_run(place.store, run_id).problems
    assert problems == (), problems
    return True
