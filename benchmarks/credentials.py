"""What is measured of the search for credentials: its cost on the write path and on trees, its finds."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.child import measure
from benchmarks.figures import Figure, judge

LABELLED = "BABYSITTER_LABELLED_SECRETS"
"""The path of a labelled set (benchmarks/detection.py says its form). Without one, nothing is said of it."""


def measure_credentials(bench: Bench) -> Iterator[Figure]:
    """Events masked and searched, in CPU time; Python's own library; a labelled set where there is one."""
    taken = measure("benchmarks.detection", "events", "--count", 4000 if bench.is_quick else 20_000)
    parts = {
        "p50": f"{taken['p50Us']:.0f} µs",
        "bytes_per_event": taken["bytesPerEvent"],
        "searched_closely": f"{taken['searchedClosely']:.1%}",
    }
    yield judge("screened", taken["perS"], parts)
    yield judge("screened-p50", taken["p50Us"], {})
    yield judge("screened-p99", taken["p99Us"], {})
    tree = measure("benchmarks.detection", "tree")
    yield judge("scanned", tree["MBPerS"], {"MB": tree["MB"], "files": tree["files"]})
    yield judge("false-alarms", tree["findingsPerMB"], {})
    labelled = os.environ.get(LABELLED)
    if labelled:
        found = measure("benchmarks.detection", "labelled", Path(labelled))
        yield judge("covered", found["both"], {"raw": found["raw"], "json_in_json": found["jsonInJson"]})
        yield judge("flagged", found["flagged"], {"negatives": found["negatives"]})
