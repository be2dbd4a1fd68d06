"""The figures of a server under load."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.child import measure
from benchmarks.figures import Figure, judge


def measure_server(bench: Bench) -> Iterator[Figure]:
    """What watchers and approvers wait, and what many runs cost."""
    runs, watchers = (40, 10) if bench.is_quick else (200, 50)
    load = measure(
        "benchmarks.serving", "load", "--runs", runs, "--watchers", watchers, "--dir", bench.fresh()
    )
    status, approval = load["status"], load["approval"]
    parts = {"half": f"{status['p50']:.1f} ms", "asked": status["count"], "all_advanced_s": load["advancedS"]}
    yield judge("served-status", status["p99"], parts)
    yield judge("served-approval", approval["p99"], {"half": f"{approval['p50']:.1f} ms"})
    waiting = measure(
        "benchmarks.serving", "waiting", "--runs", 200 if bench.is_quick else 2000, "--dir", bench.fresh()
    )
    yield judge("served-waiting", waiting["kbEach"], {"alone": f"{waiting['aloneMb']:.0f} MB"})
    start = measure(
        "benchmarks.serving", "start", "--runs", 1000 if bench.is_quick else 10_000, "--dir", bench.fresh()
    )
    yield judge("served-start", start["knownS"], {"listens": f"{start['listensS']:.2f} s"})
    seconds = 20 if bench.is_quick else 600
    steady = measure("benchmarks.serving", "steady", "--seconds", seconds, "--dir", bench.fresh())
    parts = {
        "runs": steady["runs"],
        "each": f"{steady['kbPerRun']:.1f} KB",
        "in_all": f"{steady['mb']:.0f} MB",
    }
    yield judge("served-steady", steady["ratio"], parts)
