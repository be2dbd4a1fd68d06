"""Tasks: what an author declares, what goes in, what comes out."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from babysitter.authoring.steps import Value
from babysitter.authoring.tasks import Program, ShellResult, Task, shell_task, task
from babysitter.model.effects import RetryPolicy, Sandbox, TaskSpec
from babysitter.model.errors import InvalidValueError, SecretError, TaskError, UsageError
from babysitter.model.secret import Secret, secret
from tests.unit.author import definitions as defined
from tests.unit.author.definitions import Cart, Color, Item

CART = Cart([Item(unit_price=2)])
CART_JSON = {"items": [{"unitPrice": 2, "color": "red", "token": None}], "since": "2026-01-01T00:00:00Z"}


def test_a_task_is_data_and_a_function() -> None:
    assert defined.total.spec.task_id == "total"
    assert defined.total.spec.kind == "python"
    assert defined.total.spec.source == "tests.unit.author.definitions"
    assert defined.total.spec.qualname == "total"
    assert defined.total(CART, 1, currency="USD") == "3 USD []"
    assert defined.make("all") == ["make", "all"]


def test_what_a_task_says_of_itself_is_in_its_spec() -> None:
    spec = defined.go_live.spec
    assert spec == TaskSpec(
        task_id="go-live",
        kind="python",
        source="tests.unit.author.definitions",
        qualname="go_live",
        sandbox=Sandbox(write=("dist/",)),
        retries=RetryPolicy(attempts=4, delay_s=0.1),
        timeout_s=60.0,
        idempotent=True,
        environment="production",
        critical=True,
        labels=("release",),
        owner="alice@example.com",
    )
    spec = defined.price.spec
    assert (spec.timeout_s, spec.retries.attempts) == (2.5, 3)
    assert spec.options == {"output": "json", "okStatuses": [0]}
    assert defined.pipeline.spec.options == {"output": "text", "okStatuses": [0, 1], "shell": "sh"}
    assert defined.lint.spec.options == {"script": "scripts/lint.mjs"}
    assert defined.lint.spec.labels == ("lint",)


def test_arguments_are_bound_by_name_with_their_defaults() -> None:
    value = defined.total.bind((CART, 1.5, 2), {"currency": "USD", "shop": "a"})

    assert value == {"cart": CART_JSON, "more": [1.5, 2], "currency": "USD", "labels": {"shop": "a"}}
    assert defined.lint.bind(("src",), {}) == {"path": "src", "fix": False}


def test_performing_gives_back_what_calling_does() -> None:
    value = defined.total.bind((CART, 1.5, 2), {"currency": "USD", "shop": "a"})

    assert defined.total.perform(value) == "5.5 USD [('shop', 'a')]"
    assert defined.total(CART, 1.5, 2, currency="USD", shop="a") == "5.5 USD [('shop', 'a')]"


def test_an_async_task_is_run_to_its_end() -> None:
    result = defined.fetch.perform(defined.fetch.bind((2,), {}))

    assert result == [{"unitPrice": n, "color": "red", "token": None} for n in (0, 1)]
    assert defined.fetch.decode(result) == [Item(unit_price=0), Item(unit_price=1)]


def test_a_result_is_read_as_its_annotation_says() -> None:
    assert defined.lint.decode(CART_JSON) == Cart([Item(unit_price=2)], datetime(2026, 1, 1, tzinfo=UTC))
    assert defined.price.decode({"unitPrice": 1}) == Item(unit_price=1, color=Color.RED)
    assert defined.make.decode({"exitCode": 2, "stdout": "x"}) == ShellResult(exit_code=2, stdout="x")
    with pytest.raises(TaskError, match=r"ResultTypeError: the result is not what the task says"):
        defined.lint.decode({"items": 1})


@pytest.mark.parametrize(
    ("task_", "args", "kwargs", "text"),
    [
        (defined.make, (), {}, "missing a required argument: 'target'"),
        (defined.make, ("a", "b"), {}, "too many positional arguments"),
        (defined.make, ("a",), {"target": "b"}, "multiple values for argument 'target'"),
        (defined.make, ("a",), {"jobs": 2}, "unexpected keyword argument 'jobs'"),
        (defined.make, (1,), {}, "argument target of make: Expected `str`, got `int`"),
        (defined.total, (CART, "x"), {}, "argument more of total: Expected `float`, got `str`"),
        (defined.total, (CART,), {"currency": float("nan")}, "argument currency of total is nan"),
        (
            defined.anything,
            ({"a": [1, object()]},),
            {},
            "argument value of anything.a[1] is a object, which is not JSON",
        ),
        (defined.anything, ({1: 2},), {}, "has the key 1, which is not a string"),
        (defined.anything, (2**53 + 1,), {}, "is an integer beyond 2^53"),
        (defined.anything, ("\ud800",), {}, "holds a lone surrogate"),
    ],
)
def test_a_wrong_call_is_refused_with_the_place(
    task_: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        task_.bind(args, kwargs)

    assert text in str(caught.value)


def test_a_secret_stands_for_any_text_and_stays_a_reference() -> None:
    key = secret("env:KEY")

    value = defined.log_in.bind((), {"user": key, "password": key, "tokens": {"a": key, "b": "plain"}})

    assert value == {"user": key, "password": key, "tokens": {"a": key, "b": "plain"}}
    assert defined.anything.bind((Item(unit_price=1, token=key),), {})["value"]["token"] == key
    with pytest.raises(InvalidValueError, match="argument count of fetch"):
        defined.fetch.bind((key,), {})


def test_in_the_task_a_secret_carries_its_value() -> None:
    revealed = {"user": "bob", "password": "hunter2!", "tokens": {"a": "t"}}

    assert defined.log_in.perform(revealed) == "bob:hunter2!:{'a': 't'}"


def test_a_task_may_not_return_a_secret() -> None:
    with pytest.raises(InvalidValueError, match="the result of returns_secret holds a secret"):
        defined.returns_secret.perform({"value": "hunter2!"})


def test_a_result_that_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="the result of anything"):
        task_that_returns(object()).perform({})


def task_that_returns(result: Value) -> Task[..., Value]:
    @task(inline=True)
    def anything() -> Value:
        return result

    return anything


def test_what_comes_out_is_what_a_reader_of_the_journal_gets() -> None:
    assert task_that_returns({"a": (1, (2,)), "b": Color.RED}).perform({}) == {"a": [1, [2]], "b": "red"}


def test_a_shell_task_gives_the_program_to_start() -> None:
    key = secret("env:KEY")

    assert defined.make.bind(("all",), {}) == {"argv": ["make", "all"]}
    assert defined.pipeline.bind(("hi",), {}) == {"argv": ["sh", "-c", "echo hi | wc -c"]}
    assert defined.price.bind(("tea", key), {}) == {
        "argv": ["price", "tea"],
        "env": {"KEY": key, "LANG": "C"},
        "stdin": "x",
        "cwd": "shop",
    }


def test_a_command_line_needs_a_shell_that_is_named() -> None:
    with pytest.raises(InvalidValueError, match=r'@shell_task\(shell="sh"\)'):
        defined.text_without_a_shell.bind(("hi",), {})


def test_a_secret_in_argv_is_refused_with_the_way_out() -> None:
    with pytest.raises(SecretError) as caught:
        defined.leaks.bind((secret("env:KEY"),), {})

    assert "secret('env:KEY') stands in argument 2 of the program that leaks starts" in str(caught.value)
    assert "Program(argv, env={NAME: secret})" in str(caught.value)


@pytest.mark.parametrize("argv", [[], None, ["make", 1], ["a\0b"], Program([]), {"make": 1}])
def test_what_is_no_program_is_refused(argv: Value) -> None:
    @shell_task
    def odd() -> Value:
        return argv

    with pytest.raises(InvalidValueError):
        odd.bind((), {})


def test_an_inline_task_is_neither_production_nor_critical_nor_trusted_with_more() -> None:
    def plain() -> None: ...

    def takes(key: Secret | None) -> None: ...

    for wrong in (
        {"environment": "production"},
        {"critical": True},
        {"sandbox": Sandbox(write=("dist/",))},
    ):
        with pytest.raises(UsageError, match="runs inline and"):
            task(inline=True, **wrong)(plain)
    with pytest.raises(UsageError, match="takes a secret"):
        task(inline=True)(takes)
    assert task(inline=True, environment="staging")(plain).spec.kind == "inline"


def test_an_inline_task_gets_no_secret_however_it_is_wrapped() -> None:
    @task(inline=True)
    def note(value: Value) -> None: ...

    with pytest.raises(SecretError, match="runs inline"):
        note.bind(({"a": [secret("env:KEY")]},), {})


def test_a_task_must_be_reachable_from_another_process() -> None:
    with pytest.raises(UsageError, match="stands inside a function"):

        @task
        def inner() -> None: ...


def test_an_unknown_option_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="no option retry") as caught:
        task(retry=3)(defined.anything.function)  # type: ignore[call-overload]
    assert "retries" in caught.value.hint


def test_a_call_is_data_for_an_approval() -> None:
    call = defined.log_in.call("bob", password=secret("env:KEY"))

    assert call.spec is defined.log_in.spec
    assert call.input == {"user": "bob", "password": secret("env:KEY"), "tokens": None}


def test_a_spec_survives_its_way_to_disk() -> None:
    spec = defined.price.spec

    assert msgspec.json.decode(msgspec.json.encode(spec), type=type(spec)) == spec
