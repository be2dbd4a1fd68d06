"""The vault: what is declared resolves, nothing shows a value, and too short is refused."""

import copy
import pickle
from collections.abc import Mapping, Sequence

import pytest

from babysitter.model.errors import SecretError
from babysitter.model.runner import Resolver
from babysitter.model.secret import Secret
from babysitter.secrets.masker import Masker
from babysitter.secrets.vault import Vault
from tests.unit.secrets.fakes import DictSource, masker_of, vault_of

VALUE = "hunter22-very-secret"


def test_a_vault_is_a_resolver() -> None:
    resolver: Resolver = vault_of({"K": VALUE})

    assert resolver.resolve("env:K") == VALUE


def test_values_are_read_once_and_only_those_declared() -> None:
    source = DictSource({"K": VALUE, "OTHER": "not-declared-value"})

    vault = Vault({"env": source}, ["env:K", "env:K"])
    source.values["K"] = "changed-afterwards"

    assert vault.resolve("env:K") == VALUE
    assert source.asked == ["K"]
    assert vault.declared == ("env:K",)


def test_a_reference_that_is_not_declared_does_not_resolve() -> None:
    vault = Vault({"env": DictSource({"K": VALUE})}, [])

    with pytest.raises(SecretError, match="env:K is not a declared secret"):
        vault.resolve("env:K")


def test_a_declared_secret_without_a_value_is_an_error_only_when_it_is_needed() -> None:
    vault = vault_of({}, "K")

    with pytest.raises(SecretError, match="env:K is declared but has no value"):
        vault.resolve("env:K")


@pytest.mark.promise("G08")
def test_a_declared_secret_too_short_to_mask_is_an_error_at_declaration() -> None:
    with pytest.raises(SecretError, match="env:K is shorter than 8") as caught:
        vault_of({"K": "hunter2"})

    assert "hunter2" not in repr(caught.value)


def test_eight_characters_are_enough() -> None:
    assert vault_of({"K": "ünïcödé!"}).resolve("env:K") == "ünïcödé!"


def test_a_value_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(SecretError, match="not UTF-8") as caught:
        vault_of({"K": "secret-\udcff-bytes"})

    assert caught.value.__suppress_context__
    assert "secret-" not in str(caught.value)


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(SecretError, match=r"'vault'.*not there"):
        Vault({"env": DictSource({})}, ["vault:K"])


def test_reveal_replaces_leaves_and_nothing_else() -> None:
    vault = vault_of({"K": VALUE})
    value = {
        "a": [Secret("env:K"), 1, {"b": Secret("env:K")}],
        "t": (Secret("env:K"),),
        "text": "${secret:env:K}",
    }

    assert vault.reveal(value) == {"a": [VALUE, 1, {"b": VALUE}], "t": [VALUE], "text": "${secret:env:K}"}


def test_reveal_gives_back_the_object_that_holds_no_secret() -> None:
    value = {"a": [1, {"$secret": "env:K"}], "t": (1, 2)}

    assert vault_of({"K": VALUE}).reveal(value) is value


def test_reveal_names_the_reference_that_does_not_resolve() -> None:
    with pytest.raises(SecretError, match="env:GONE"):
        vault_of({}, "GONE").reveal([Secret("env:GONE")])


def test_a_secret_occurs_in_any_form() -> None:
    vault = vault_of({"K": VALUE, "OTHER": "another-value"})

    assert vault.occurs_in(f"--token={VALUE}") == "env:K"
    assert vault.occurs_in(VALUE.encode().hex()) == "env:K"
    assert vault.occurs_in("--verbose \udcff") is None


def test_a_closed_vault_resolves_nothing_and_its_maskers_go_on() -> None:
    vault = vault_of({"K": VALUE})
    masker = Masker(vault)
    masker.mask("something")

    vault.close()

    with pytest.raises(SecretError):
        vault.resolve("env:K")
    assert masker.mask(VALUE) == {"$secret": "env:K"}
    assert Masker(vault).mask(VALUE) == {"$secret": "env:K"}
    assert not Masker(vault).masks_nothing


@pytest.mark.promise("G08")
def test_a_vault_closed_before_the_first_search_lets_nothing_pass() -> None:
    vault = vault_of({"K": VALUE})
    masker = Masker(vault)

    vault.close()

    for attempt in (masker.mask, masker.mask_text, masker.mask_string, masker.mask_name, vault.occurs_in):
        with pytest.raises(SecretError, match="closed"):
            attempt(VALUE)


@pytest.mark.promise("G08")
def test_nothing_that_prints_shows_a_value() -> None:
    vault = vault_of({"K": VALUE, "LINES": f"{VALUE}\nsecond-line"})
    masker = masker_of({"K": VALUE})
    stream = masker.stream()
    stream.feed(VALUE[:-1].encode())
    masker.mask([VALUE])

    for thing in (vault, vault.index, masker, stream, DictSource):
        for shown in (repr(thing), str(thing), f"{thing}", format(thing)):
            assert VALUE[:-1] not in shown


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_vault_is_not_copied_or_pickled(copied: object) -> None:
    vault = vault_of({"K": VALUE})

    for thing in (vault, vault.index):
        with pytest.raises(TypeError):
            copied(thing)  # type: ignore[operator]


def test_a_source_that_gives_several_at_once_is_asked_once() -> None:
    asked: list[list[str]] = []

    class Many:
        scheme = "team"

        def get(self, name: str) -> str | None:
            raise AssertionError

        def get_many(self, names: Sequence[str]) -> Mapping[str, str]:
            asked.append(list(names))
            return {"A": "value-of-a"}

    vault = Vault({"team": Many(), "env": DictSource({"K": "value-of-k"})}, ["team:A", "team:B", "env:K"])

    assert asked == [["A", "B"]]
    assert vault.resolve("team:A") == "value-of-a"
    assert vault.resolve("env:K") == "value-of-k"
    with pytest.raises(SecretError, match="has no value here"):
        vault.resolve("team:B")
