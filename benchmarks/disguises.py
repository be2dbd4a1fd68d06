"""How many of 45 ways to write an awkward secret reach the disk, and what looking for them costs.

Run by benchmarks/run.py:
    python -m benchmarks.disguises [--rounds 9]

Prints one JSON object. Each row is written by the standard library, or spelled out here, never by what is
measured. A row leaks when ``RUN`` characters or bytes in a row of what was written are found again: in the
JSON of a stored value, in masked output, or in output that was masked in pieces. Times are CPU time.
"""

import argparse
import base64
import codecs
import gzip
import html
import json
import quopri
import random
import re
import shlex
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr

import orjson

from babysitter.secrets.masker import Masker
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.vault import Vault

AWKWARD: Final = "Kq\"7/w'R\\z+9=ä€ &<t>%x$`Lm\nP2v{Jd}8h:Yc3#Tn5*Gs~k4QbW+/Z=="
RUN: Final = 12
EVENT_BYTES: Final = 1400


def _escapes(layout: str) -> Callable[[str], str]:
    return lambda text: "".join(layout.format(byte) for byte in text.encode())


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


def _base64(text: str, before: bytes = b"", after: bytes = b"@") -> str:
    return base64.b64encode(before + text.encode() + after).decode()


def _php(text: str) -> str:
    return json.dumps(text).replace("/", "\\/")


def _bash_ansi(text: str) -> str:
    named = {"\n": "\\n", "\\": "\\\\", "'": "\\'"}
    return "$'" + "".join(named.get(char, char) for char in text) + "'"


def _double_quoted(text: str) -> str:
    return '"' + re.sub(r'([\\"$`])', r"\\\1", text) + '"'


def _wrapped(text: str, width: int, between: str = "\n") -> str:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


def _xxd(text: str) -> str:
    data, lines = text.encode(), []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:08x}: {row.hex(' ', 2):<39}  {shown}")
    return "\n".join(lines)


MATRIX: Final[Mapping[str, Callable[[str], str | bytes]]] = {
    "as it is": str,
    "each line, indented": lambda text: "\n".join(f"    > {line}" for line in text.split("\n")),
    "JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON, ASCII": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps([text])),
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps([text]))),
    "JSON with \\/": _php,
    "\\uXXXX, every character": lambda text: "".join(f"\\u{unit:04X}" for unit in _units(text)),
    "\\xNN, every byte": _escapes("\\x{:02x}"),
    "octal, every byte": _escapes("\\{:03o}"),
    "HTML": html.escape,
    "HTML, every character by number": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "XML attribute": lambda text: quoteattr(text, {"'": "&apos;"}),
    "Python repr": repr,
    "Python repr of bytes": lambda text: repr(text.encode()),
    "shell, single quotes": shlex.quote,
    "shell, double quotes": _double_quoted,
    "shell, $'…'": _bash_ansi,
    "quoted-printable": lambda text: quopri.encodestring(b"Content: " + text.encode()),
    "percent, path": quote,
    "percent, component": lambda text: quote(text, safe="!'()*"),
    "percent, URI": lambda text: quote(text, safe="!'()*;,/?:@&=+$#"),
    "percent, form": quote_plus,
    "percent, every byte": _escapes("%{:02X}"),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "hex": lambda text: text.encode().hex(),
    "hex, upper case": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "hex, 0x in a list": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "decimal list": lambda text: str(list(text.encode())),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, second alignment": lambda text: _base64(text, b"user:"[:4]),
    "base64, third alignment, in lines": lambda text: _wrapped(_base64(text, b"admin"), 76, "\r\n"),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode() * 2).rstrip(b"="),
    "base64, twice": lambda text: base64.b64encode(_base64(text, b"u:").encode()),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
    "base32": lambda text: base64.b32encode(b"otp" + text.encode()),
    "UTF-16": lambda text: text.encode("utf-16"),
    "upper case": str.upper,
    "reversed": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "wrapped and coloured": lambda text: _wrapped(text, 10, "\x1b[0m\n    \x1b[33m"),
    "gzip": lambda text: gzip.compress(text.encode(), mtime=0),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text.encode(), mtime=0)),
    "hex dump with offsets": _xxd,
}
"""Name to what writes it. The last two, and whatever else leaks, stand in docs/reference/secrets.md."""

assert len(MATRIX) == 45


def has_run_of(written: bytes, kept: bytes) -> bool:
    """True when a run of what was written is still there."""
    return any(written[at : at + RUN] in kept for at in range(len(written) - RUN + 1))


def leaking() -> dict[str, list[str]]:
    """Return the rows that leak, each with the ways in which it does."""
    masker = Masker(Vault({"env": EnvironmentSource({"AWKWARD": AWKWARD})}, ["env:AWKWARD"]))
    found: dict[str, list[str]] = {}
    for name, write in MATRIX.items():
        given = write(AWKWARD)
        written = given if isinstance(given, bytes) else given.encode()
        ways = [way for way, kept in _kept(masker, written).items() if has_run_of(written, kept)]
        if ways:
            found[name] = ways
    return found


def _kept(masker: Masker, written: bytes) -> dict[str, bytes]:
    line = b"2026-01-02 login with " + written + b" was refused\n"
    stream = masker.stream()
    pieces = [stream.feed(line[at : at + 7]) for at in range(0, len(line), 7)]
    kept = {"output": masker.mask_bytes(line), "output in pieces": b"".join([*pieces, stream.flush()])}
    try:
        value = {"stdout": line.decode(), "lines": [written.decode()]}
    except UnicodeDecodeError:
        return kept
    # What the strings of the stored value are, whatever JSON's own escapes make of them, and the JSON too.
    stored = masker.mask(value)
    assert masker.unmask(stored) == value
    return {**kept, "value": orjson.dumps(stored) + b"".join(_texts(stored))}


def _texts(stored: object) -> list[bytes]:
    if isinstance(stored, str):
        return [stored.encode()]
    if isinstance(stored, dict):
        return [each for item in stored.items() for part in item for each in _texts(part)]
    return [each for item in stored for each in _texts(item)] if isinstance(stored, list) else []


def event() -> dict[str, object]:
    """Return an event of 1.4 KB as a journal has them: text with quotes and line ends, and small things."""
    words = 'the build said "done" for C:\\temp and https://example.com/a?b=c then\nwent on with 42 in dist/'
    dice = random.Random(5)
    text = " ".join(dice.choices(words.split(" "), k=400))
    rows = [{"name": f"item {number}", "ok": True} for number in range(8)]
    value: dict[str, object] = {"effectId": "3-build", "args": {"target": "dist"}, "rows": rows, "stdout": ""}
    while len(orjson.dumps(value | {"stdout": text})) > EVENT_BYTES:
        text = text[:-8]
    return value | {"stdout": text}


def cost_us(rounds: int) -> dict[str, float]:
    """Return the CPU time of masking an event of 1.4 KB without any of 50 secrets, median of the rounds."""
    dice = random.Random(1)
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789/+-_"
    environ = {f"K{number}": "".join(dice.choices(alphabet, k=32)) for number in range(50)}
    started = time.process_time()
    masker = Masker(Vault({"env": EnvironmentSource(environ)}, [f"env:{name}" for name in environ]))
    value = event()
    line = orjson.dumps(value)
    masker.changes(line)
    built = time.process_time() - started
    assert masker.mask(value) is value
    dirty = value | {"token": environ["K3"]}
    return {
        "eventBytes": len(line),
        "line": _median_us(lambda: masker.changes(line), rounds),
        "value": _median_us(lambda: masker.mask(value), rounds),
        "valueWithASecret": _median_us(lambda: masker.mask(dirty), rounds),
        "firstSearchMs": built * 1000,
    }


def _median_us(call: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(1000):
            call()
        taken.append((time.process_time() - started) * 1000)
    return sorted(taken)[len(taken) // 2]


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    leaks = leaking()
    found = {"keptOut": len(MATRIX) - len(leaks), "of": len(MATRIX), "leaks": leaks}
    print(json.dumps({**found, "us": cost_us(given.rounds)}))


if __name__ == "__main__":
    main()
