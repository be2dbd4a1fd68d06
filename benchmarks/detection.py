"""What looking for secrets costs, and how many it finds. Prints one JSON object.

    python -m benchmarks.detection events      one event after another, masked and searched: CPU time
    python -m benchmarks.detection tree        Python's standard library, searched: CPU time, findings per MB
    python -m benchmarks.detection labelled FILE
                                               a set of JSON lines (label, text_b64, secret_b64): what is
                                               covered

Run by ``benchmarks.run``. The labelled set is not ours; its path comes with BABYSITTER_LABELLED_SECRETS.
"""

import argparse
import base64
import json
import random
import string
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from babysitter.journal.fields import mask_fields, settle_fields
from babysitter.model.events import EffectRequested, EffectResolved, Event, LogWritten
from babysitter.model.lines import encode_data
from babysitter.secrets.detection.detector import Detector
from babysitter.secrets.detection.marks import Sealer
from babysitter.secrets.detection.rules import own_rules
from babysitter.secrets.detection.screening import Screen, ScreeningMasker
from babysitter.secrets.masker import Masker
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.vault import Vault

EVENT_BYTES = 1400
SECRETS = 50
WORDS = (
    "building target dist of package at version with source file line warning unused import test passed "
    "failed request response header content type json token count key value user name path status retry "
    "timeout deploy release review approve change commit branch merge author message digest size bytes "
    "index table row"
).split()


def screening_masker() -> ScreeningMasker:
    """Return what a driver masks with, knowing fifty secrets."""
    dice = random.Random(50)
    environ = {
        f"K{number}": "".join(dice.choices(string.ascii_letters + string.digits, k=32))
        for number in range(SECRETS)
    }
    vault = Vault({"env": EnvironmentSource(environ)}, [f"env:{name}" for name in environ])
    return ScreeningMasker(Masker(vault), Screen(Detector(own_rules()), Sealer(lambda: bytes(32))))


def events(count: int) -> list[Event]:
    """Return events of about 1.4 KB as programs and agents make them: words, lines, digests, paths."""
    dice = random.Random(14)
    return [_event(dice, number) for number in range(count)]


def _event(dice: random.Random, number: int) -> Event:
    kind = number % 4
    effect = f"{number}-build"
    if kind == 0:
        args = {
            "target": _words(dice, 4),
            "files": [_path(dice) for _ in range(12)],
            "options": _options(dice),
        }
        args["prompt"] = _words(dice, 90)
        return EffectRequested(
            effect_id=effect, call_id=str(number), task_id="build", kind="python", label="build",
            args_sha256=_hex(dice, 64), task_def_ref=f"tasks/{effect}/task.json", args=args,
        )  # fmt: skip
    if kind == 1:
        text = "\n".join(f"{_path(dice)}:{dice.randint(1, 900)}: {_words(dice, 9)}" for _ in range(14))
        return _resolved(dice, effect, {"stdout": text, "exitStatus": 0})
    if kind == 2:
        rows = [
            {"id": dice.randint(1, 9**6), "sha": _hex(dice, 40), "title": _words(dice, 7)} for _ in range(10)
        ]
        return _resolved(dice, effect, {"rows": rows, "answer": json.dumps(_options(dice))})
    return LogWritten(call_id=str(number), message=_words(dice, 185), fields=_options(dice))


def _resolved(dice: random.Random, effect: str, result: Any) -> Event:  # noqa: ANN401 (JSON)
    return EffectResolved(
        effect_id=effect, attempt=1, status="ok", result=result, result_sha256=_hex(dice, 64),
        started_at="2026-01-31T10:15:30.123456Z", finished_at="2026-01-31T10:15:31.123456Z",
    )  # fmt: skip


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(WORDS, k=count))


def _path(dice: random.Random) -> str:
    return "/".join(dice.choices(WORDS, k=4)) + ".py"


def _options(dice: random.Random) -> dict[str, Any]:
    return {"verbose": True, "retries": dice.randint(0, 9), "ratio": dice.random(), "label": _words(dice, 3)}


def _hex(dice: random.Random, length: int) -> str:
    return f"{dice.getrandbits(length * 4):0{length}x}"


def keep(event: Event, masker: ScreeningMasker) -> bytes:
    """Do what the writer does with an event before it chains it: encode, look, mask, encode."""
    data = encode_data(event)
    if not masker.changes(data):
        settle_fields(event)
        return data
    stored, _ = mask_fields(event, masker)
    masker.take_detections()
    return orjson.dumps(stored) if stored else data


def measure_events(count: int) -> dict[str, Any]:
    """Return the CPU time of each event, and how many a second that makes."""
    masker, made = screening_masker(), events(count)
    for event in made[:200]:
        keep(event, masker)
    took_ns = []
    begun_ns = time.thread_time_ns()
    for event in made:
        at_ns = time.thread_time_ns()
        keep(event, masker)
        took_ns.append(time.thread_time_ns() - at_ns)
    whole_ns = time.thread_time_ns() - begun_ns
    took_ns.sort()
    sizes = [len(encode_data(event)) for event in made]
    return {
        "perS": count / (whole_ns / 1e9),
        "p50Us": took_ns[count // 2] / 1e3,
        "p99Us": took_ns[count * 99 // 100] / 1e3,
        "bytesPerEvent": sum(sizes) / count,
        "searchedClosely": sum(masker.changes(encode_data(event)) for event in made) / count,
    }


def measure_tree() -> dict[str, Any]:
    """Return how fast Python's own library is searched, and how many findings it has."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [file for file in root.rglob("*.py") if "site-packages" not in file.parts]
    texts = [file.read_bytes() for file in files]
    detector = Detector(own_rules())
    detector.find(texts[0])
    begun_s = time.process_time()
    findings = sum(len(detector.find(text)) for text in texts)
    took_s = time.process_time() - begun_s
    size_mb = sum(map(len, texts)) / 1e6
    return {
        "MB": size_mb,
        "MBPerS": size_mb / took_s,
        "findingsPerMB": findings / size_mb,
        "files": len(files),
    }


def measure_labelled(path: Path) -> dict[str, Any]:
    """Return how much of a labelled set is covered as it is and as JSON in JSON, and how much is flagged."""
    detector = Detector(own_rules())
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    positives = [row for row in rows if row["label"] == "positive"]
    negatives = [row for row in rows if row["label"] != "positive"]
    raw = nested = both = 0
    for row in positives:
        text, secret = base64.b64decode(row["text_b64"]), base64.b64decode(row["secret_b64"])
        plain = _is_covered(detector, text, secret)
        inside = _is_covered(detector, _twice(text), _inner(secret))
        raw, nested, both = raw + plain, nested + inside, both + (plain and inside)
    flagged = sum(bool(detector.find(base64.b64decode(row["text_b64"]))) for row in negatives)
    total = max(1, len(positives))
    return {
        "positives": len(positives), "negatives": len(negatives), "raw": raw / total, "jsonInJson": nested
        / total,
        "both": both / total, "flagged": flagged / max(1, len(negatives)),
    }  # fmt: skip


def _is_covered(detector: Detector, text: bytes, secret: bytes) -> bool:
    hits = detector.find(text)
    at = text.find(secret)
    while at >= 0:
        if any(hit.begin <= at and at + len(secret) <= hit.end for hit in hits):
            return True
        at = text.find(secret, at + 1)
    return False


def _twice(text: bytes) -> bytes:
    return json.dumps({"log": json.dumps({"text": text.decode("utf-8", "replace")})}).encode()


def _inner(text: bytes) -> bytes:
    return json.dumps(json.dumps(text.decode("utf-8", "replace"))[1:-1])[1:-1].encode()


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["events", "tree", "labelled"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    given = parser.parse_args()
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "events": lambda: measure_events(given.count),
        "tree": measure_tree,
        "labelled": lambda: measure_labelled(given.file),
    }
    print(json.dumps(ways[given.what]()))


if __name__ == "__main__":
    main()
