"""The figures about proof: decisions, signatures, the log, verifying all of it; and about secrets."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.child import measure
from benchmarks.figures import Figure, judge


def measure_proof(bench: Bench) -> Iterator[Figure]:
    """What proving costs while runs are driven, and what checking it costs later."""
    decided = measure("benchmarks.proof", "decisions", "--dir", bench.fresh())
    yield judge("decision", decided["voteS"] * 1e6, {"release_of_two": f"{decided['releaseS'] * 1e6:.0f} µs"})
    signed = measure("benchmarks.proof", "signatures", "--dir", bench.fresh())
    yield judge("sign", signed["signS"] * 1e3, {"ssh_keygen_alone": f"{signed['sshKeygenS'] * 1e3:.1f} ms"})
    yield judge("verify", signed["verifyS"] * 1e3, {})
    rounds = 3 if bench.is_quick else 9
    log = measure("benchmarks.proof", "log", "--rounds", rounds, "--dir", bench.fresh())
    parts = {"with": f"{log['withS']:.3f} s", "without": f"{log['withoutS']:.3f} s", "rounds": log["ratios"]}
    yield judge("log", log["ratio"], parts)
    runs = 100 if bench.is_quick else 1000
    audited = measure("benchmarks.proof", "audit", "--runs", runs, "--rounds", 5, "--dir", bench.fresh())
    yield judge("audit", audited["seconds"], {"runs": audited["runs"], "events": audited["events"]})


def measure_journals(bench: Bench) -> Iterator[Figure]:
    """Journals alone, on one processor, beside the least that any check of a chain does."""
    events, runs = (10_000, 50) if bench.is_quick else (50_000, 200)
    found = measure(
        "benchmarks.verify", "--events", events, "--runs", runs, "--rounds", 5, "--dir", bench.fresh()
    )
    one = found["one"]
    for name in ("chain", "full"):
        parts = {"bare_loop": f"{one['bare']['perSMedian']:,} events/s", "share": one[name]["shareOfBare"]}
        yield judge(name, one[name]["perSMedian"], parts)


def measure_secrets(bench: Bench) -> Iterator[Figure]:
    """What masking keeps out, and what it costs a line that holds nothing."""
    found = measure("benchmarks.disguises", "--rounds", 5 if bench.is_quick else 15)
    leaks = "; ".join(f"{name} ({', '.join(ways)})" for name, ways in found["leaks"].items()) or "none"
    yield judge("disguises", found["keptOut"], {"of": found["of"], "leaks": leaks})
    us = found["us"]
    parts = {
        "mask_the_value": f"{us['value']:.1f} µs",
        "with_one_secret": f"{us['valueWithASecret']:.0f} µs",
        "first_search": f"{us['firstSearchMs']:.0f} ms",
    }
    yield judge("masking", us["line"], parts)
