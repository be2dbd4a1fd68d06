"""The gate and its cache: never a rule too few, and nothing foreign is loaded."""

import os
import random
import threading
from pathlib import Path

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import DetectionError
from babysitter.secrets.detection.detector import Detector, gate_expressions
from babysitter.secrets.detection.gate import HyperscanGate, SetGate, make_gate, options, without_anchors
from babysitter.secrets.detection.gate_cache import GateCache
from babysitter.secrets.detection.rules import own_rules
from tests.unit.secrets.detection.test_issuers import FORMS
from tests.unit.secrets.detection.tokens import made

EXPRESSIONS = ["abc[0-9]{3}", "(?i)secret", "x[^\\n]*y"]


def test_both_engines_find_the_same(tmp_path: Path) -> None:
    del tmp_path
    rules = own_rules()
    quick, plain = Detector(rules), Detector(rules, gate=SetGate(gate_expressions(rules)))
    dice = random.Random(2)
    for _, form in FORMS[::7]:
        text = f"some = '{made(form, dice)}'\npassword: tr0ub4dor&3x{dice.random()}\n".encode()
        assert quick.find(text) == plain.find(text)


def test_without_hyperscan_the_other_engine_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hyperscan", None)

    gate = make_gate(EXPRESSIONS)

    assert isinstance(gate, SetGate)
    assert gate.ids(b"an abc123") == [0]


def test_where_a_rule_matches_its_gate_matches() -> None:
    """Else a credential that the expression describes would never be looked at."""
    dice = random.Random(3)
    detector = Detector(own_rules())
    by_id = {rule.id: rule for rule in own_rules().rules}
    for name, form in FORMS:
        token = made(form, dice)
        rule = next(
            rule for number in range(9) if (rule := by_id.get(name + (f"-{number}" if number else "")))
        )
        if re2.compile(rule.regex.encode(), options()).search(f" {token} ".encode()):
            assert detector.may_hold(token.encode()), (name, token)


def test_every_rule_of_ours_compiles_exactly_and_once() -> None:
    rules = own_rules().rules
    for rule in rules:
        re2.compile(rule.regex.encode(), options())
    assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("regex", "wider"),
    [("^a$", "a"), (r"\bkey\B", "key"), (r"[^a$]\$", r"[^a$]\$"), (r"[\]^]^x", r"[\]^]x"), ("[]^]$", "[]^]")],
)
def test_what_matches_no_character_is_left_out_of_a_gate(regex: str, wider: str) -> None:
    assert without_anchors(regex) == wider


@given(text=st.binary(max_size=200))
def test_a_text_that_is_no_text_changes_nothing(text: bytes) -> None:
    gate = HyperscanGate(EXPRESSIONS)

    assert sorted(gate.ids(b"\0\xff" + text + b"\0abc123 sEcReT\xfe"))[:2] == [0, 1]


def test_threads_search_at_once() -> None:
    gate = HyperscanGate(EXPRESSIONS)
    found: list[bool] = []

    def search() -> None:
        found.append(all(gate.ids(b"abc123" + bytes(999)) == [0] for _ in range(300)))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 4


def test_an_engine_that_fails_is_an_error_and_no_empty_answer() -> None:
    gate = HyperscanGate(EXPRESSIONS)
    gate.ids(b"")
    gate._database = type("Dead", (), {"scan": _fails(gate)})()

    with pytest.raises(DetectionError, match="hyperscan failed on 3 bytes"):
        gate.ids(b"abc")


def _fails(gate: HyperscanGate) -> object:
    def scan(*_: object, **__: object) -> None:
        raise gate._hyperscan.error("scratch in use")

    return scan


def test_a_database_is_made_once_and_read_afterwards(tmp_path: Path) -> None:
    cache = GateCache(tmp_path / "cache")
    HyperscanGate(EXPRESSIONS, cache)
    file = next((tmp_path / "cache").iterdir())
    stamp = file.stat().st_mtime_ns

    again = HyperscanGate(EXPRESSIONS, cache)

    assert again.ids(b"abc123") == [0]
    assert file.stat().st_mtime_ns == stamp
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("harm", ["cut", "changed", "readable", "link"])
def test_a_database_that_is_not_whole_or_not_ours_is_ignored(tmp_path: Path, harm: str) -> None:
    cache = GateCache(tmp_path)
    HyperscanGate(EXPRESSIONS, cache)
    file = next(tmp_path.iterdir())
    data = file.read_bytes()
    if harm == "cut":
        file.write_bytes(data[:-1])
    elif harm == "changed":
        file.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    elif harm == "readable":
        file.chmod(0o644)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")

    assert HyperscanGate(EXPRESSIONS, cache).ids(b"abc123") == [0]


def test_a_database_of_another_user_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = GateCache(tmp_path)
    cache.keep(EXPRESSIONS, "1", b"data")
    assert cache.load(EXPRESSIONS, "1") == b"data"
    assert cache.load(EXPRESSIONS, "2") is None

    monkeypatch.setattr(os, "getuid", lambda: 4242)

    assert cache.load(EXPRESSIONS, "1") is None


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert HyperscanGate(EXPRESSIONS, GateCache(tmp_path / "file" / "cache")).ids(b"abc123") == [0]
