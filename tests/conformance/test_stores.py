"""Every store passes the one suite that says what a store must keep."""

from pathlib import Path

import pytest

from babysitter.stores.files import FileStore
from babysitter.stores.interface import Store
from babysitter.testing.memory_store import MemoryStore
from babysitter.testing.store_conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestFileStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return FileStore(tmp_path / ".a5c" / "runs")
