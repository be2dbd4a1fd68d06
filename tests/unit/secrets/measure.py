"""Prints what masking costs: ``python tests/unit/secrets/measure.py``. Not a test: clocks differ."""

import random
import sys
import time
from collections.abc import Callable

from babysitter.secrets.masker import Masker
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.vault import Vault

SMALL = {
    "effectId": "3-build",
    "args": {"target": "dist", "n": 3, "flag": True, "list": [1, 2, 3]},
    "label": "build the wheel",
}


def best_us(call: Callable[[], object], count: int) -> float:
    """Return the best of 7 rounds, microseconds a call."""
    rounds = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        rounds.append((time.perf_counter() - begin) / count * 1e6)
    return min(rounds)


def report(title: str, alphabet: str) -> None:
    dice = random.Random(1)
    environ = {f"K{number}": "".join(dice.choices(alphabet, k=32)) for number in range(50)}
    declared = [f"env:{name}" for name in environ]

    def build() -> Masker:
        masker = Masker(Vault({"env": EnvironmentSource(environ)}, declared))
        masker.mask_text("the automata are made by the first search")
        masker.mask("and for values")
        return masker

    masker = build()
    rows = [{"name": f"item {n}", "value": {"text": "lorem ipsum dolor", "n": n}} for n in range(1000)]
    clean, dirty = {"rows": rows}, {"rows": rows, "secret": environ["K3"]}
    stored = masker.mask(dirty)
    output = b"a line of ordinary output, 60 characters of it, and no secret\n" * 1040
    sys.stdout.write(f"{title}: {masker}, {len(masker._index.patterns)} forms\n")
    for label, call, count in (
        ("vault, masker and first search", build, 1),
        ("mask, small value, clean", lambda: masker.mask(SMALL), 5000),
        ("mask_string, clean", lambda: masker.mask_string("build the wheel"), 5000),
        ("unmask, small value, no reference", lambda: masker.unmask(SMALL), 5000),
        ("mask, 64 KiB nested, clean", lambda: masker.mask(clean), 10),
        ("mask, 64 KiB nested, one secret", lambda: masker.mask(dirty), 10),
        ("unmask, 64 KiB nested, one reference", lambda: masker.unmask(stored), 10),
        ("mask_bytes, 64 KiB", lambda: masker.mask_bytes(output), 10),
        ("stream, 64 KiB chunk", lambda: masker.stream().feed(output), 10),
    ):
        sys.stdout.write(f"  {label:40} {best_us(call, count):10.1f} us\n")


if __name__ == "__main__":
    report("letters and digits", "abcdefghijklmnopqrstuvwxyz0123456789")
    report("hostile", "ab\"\\\n'$ é%/+&<0123")
