"""A running witness that knows the sample log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from babysitter.log.witness.server import RunningWitness, serve_witness
from babysitter.stores.disk import RealDisk
from babysitter.stores.tree import Tree
from babysitter.testing.clocks import FakeClock
from tests.integration.witness.serving import NAME
from tests.unit.log.witness.sample_log import ORIGIN, SampleLog


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def running(tmp_path: Path, clock: FakeClock) -> Iterator[RunningWitness]:
    folder = Tree(RealDisk(), str(tmp_path / "witness"))
    logs = {ORIGIN: SampleLog().verifier}
    with serve_witness(folder, name=NAME, logs=logs, host="127.0.0.1", port=0, clock=clock) as running:
        yield running
