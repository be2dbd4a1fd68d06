"""Tasks and processes for the tests of the author's surface, at the top level as an author has them."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from babysitter.authoring.steps import Value
from babysitter.authoring.tasks import Program, node_task, shell_task, task
from babysitter.model.effects import RetryPolicy, Sandbox
from babysitter.model.secret import Secret


class Color(enum.Enum):
    RED = "red"


class Item(Struct, rename="camel"):
    unit_price: float
    color: Color = Color.RED
    token: Secret | None = None


@dataclass
class Cart:
    items: list[Item]
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@task
def total(cart: Cart, *more: float, currency: str = "EUR", **labels: str) -> str:
    return f"{sum(item.unit_price for item in cart.items) + sum(more)} {currency} {sorted(labels.items())}"


@task
def log_in(user: str, password: Secret, tokens: dict[str, str | Secret] | None = None) -> str:
    return f"{user}:{password.reveal()}:{tokens}"


@task
async def fetch(count: int) -> list[Item]:
    return [Item(unit_price=n) for n in range(count)]


@task
def anything(value: Value) -> Value:
    return value


@task
def returns_secret(value: str) -> Value:
    return {"leak": Secret("env:TOKEN", value)}


@shell_task
def make(target: str) -> list[str]:
    return ["make", target]


@shell_task(shell="sh", ok_statuses=(0, 1))
def pipeline(word: str) -> str:
    return f"echo {word} | wc -c"


@shell_task(returns=Item, timeout=2.5, retries=2)
def price(name: str, key: Secret) -> Program:
    return Program(["price", name], env={"KEY": key, "LANG": "C"}, stdin="x", cwd="shop")


@shell_task
def text_without_a_shell(word: str) -> Value:
    return f"echo {word}"


@shell_task
def leaks(key: Secret) -> Value:
    return ["curl", "-H", key]


@node_task("scripts/lint.mjs", labels=["lint"])
def lint(path: str, *, fix: bool = False) -> Cart:
    raise AssertionError


@task(
    id="go-live",
    sandbox=Sandbox(write=("dist/",)),
    retries=RetryPolicy(attempts=4, delay_s=0.1),
    timeout=timedelta(minutes=1),
    idempotent=True,
    environment="production",
    critical=True,
    labels=["release"],
    owner="alice@example.com",
)
def go_live() -> None:
    """Deploy."""
