"""The three workloads on the other products, in turn with ours: who is ahead, and by how much."""

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.child import MeasurementError
from benchmarks.figures import Figure, Goal, failed, peer_goal
from benchmarks.peer_runs import PEERS, WORKLOADS, Peer, count_peer_syncs, install, perform
from benchmarks.rounds import figure_of, middle
from benchmarks.syncs import is_available


def measure_peers(bench: Bench) -> Iterator[Figure]:
    """The same workloads on other products, in turn with ours."""
    broken: dict[str, str] = {}
    for ecosystem in sorted({peer.ecosystem for peer in PEERS}):
        try:
            install(ecosystem)
        except MeasurementError as error:
            broken[ecosystem] = str(error)
    for peer in PEERS:
        if peer.ecosystem in broken:
            yield failed(
                peer.name, Goal(says=f"{peer.name} installed", relation="==", bound=1), broken[peer.ecosystem]
            )
        else:
            yield from _compare(bench, peer)


def _compare(bench: Bench, peer: Peer) -> Iterator[Figure]:
    syncs = count_peer_syncs(peer, bench.folder) if is_available() else "not counted: no strace"
    for workload in WORKLOADS:
        name, goal = f"{peer.name}: {workload}", peer_goal(peer.name, workload)
        try:
            rounds = bench.turns_of(
                1 if peer.is_slow or bench.is_quick else 2,
                ours=partial(bench.workload, workload),
                theirs=partial(perform, peer, workload, bench.size, bench.folder),
            )
        except MeasurementError as error:
            yield failed(name, goal, str(error))
            continue
        theirs = rounds[0].taken["theirs"]
        yield figure_of(
            name, goal, rounds,
            # Peers create their runs within the time that is taken, so ours must count that too.
            lambda taken: float(taken["ours"]["wholePerS"] / taken["theirs"]["perS"]),
            ours=middle(rounds, "ours", "wholePerS"),
            ours_without_creating=middle(rounds, "ours", "perS"),
            theirs=middle(rounds, "theirs", "perS"),
            steps=theirs["steps"], version=theirs["version"],
            durability=theirs["durability"], syncs_per_step=syncs,
        )  # fmt: skip
