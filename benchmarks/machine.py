"""What the figures were taken on: a figure without its machine and its file system is a rumour."""

import hashlib
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One line of context for a whole report.

    load_1m: the load average when the report began; above about 0.3 a processor other work disturbs it.
    """

    system: str
    python: str
    processor: str
    processors: int
    file_system: str
    device: str
    mount_options: str
    load_1m: float

    def as_json(self) -> dict[str, str | int | float]:
        """Return the fields by name."""
        return asdict(self)

    @property
    def is_busy(self) -> bool:
        """True when other work was running as the report began."""
        return self.load_1m > 0.3 * self.processors


def describe(folder: Path) -> Machine:
    """Return this machine, and the file system that holds the folder."""
    device, file_system, options = _mount_of(folder.resolve())
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        processor=_processor_name(),
        processors=len(os.sched_getaffinity(0)),
        file_system=file_system,
        device=device,
        mount_options=options,
        load_1m=os.getloadavg()[0],
    )


def source_sha256(folder: Path) -> str:
    """Return one digest of all Python files below the folder: figures of code that changed are nobody's."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _mount_of(folder: Path) -> tuple[str, str, str]:
    """Return (device, type, options) of the mount that holds the folder: the longest mount point above it."""
    best: tuple[int, tuple[str, str, str]] = (-1, ("unknown", "unknown", ""))
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        device, point, file_system, options, *_ = line.split(" ")
        mount_point = Path(point.encode().decode("unicode_escape"))
        # Equal length: the later mount covers the earlier one.
        if folder.is_relative_to(mount_point) and len(mount_point.parts) >= best[0]:
            best = (len(mount_point.parts), (device, file_system, options))
    return best[1]


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
