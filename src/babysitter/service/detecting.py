"""What looks for undeclared credentials, wired: our rules, a team's, and the cache of their database."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from babysitter._version import __version__
from babysitter.config import Place, cache_folder, team_texts
from babysitter.model.detections import CredentialSearch, Hit
from babysitter.model.errors import DetectionError

if TYPE_CHECKING:
    from babysitter.scanners.credentials import CredentialScanner
    from babysitter.secrets.detection.detector import Detector


MASKING_KEY = "masking.key"
_KEY_BYTES = 32


class LateSearch:
    """A search that is made when it is first asked: a command that keeps nothing needs none."""

    def __init__(self, make: Callable[[], CredentialSearch]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: CredentialSearch | None = None

    def may_hold(self, text: bytes) -> bool:
        """See CredentialSearch."""
        return (self._made or self._search()).may_hold(text)

    def find(self, text: bytes, path: str = "") -> Sequence[Hit]:
        """See CredentialSearch."""
        return (self._made or self._search()).find(text, path)

    def _search(self) -> CredentialSearch:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made


class NothingSought:
    """A search that finds nothing, where the settings say ``[secrets] detect = false``."""

    def may_hold(self, text: bytes) -> bool:
        """See CredentialSearch."""
        del text
        return False

    def find(self, text: bytes, path: str = "") -> Sequence[Hit]:
        """See CredentialSearch."""
        del text, path
        return ()


def masking_key(folder: Path) -> bytes:
    """Return the key under which a workspace digests credentials; the first who asks makes it.

    Raises:
        DetectionError: it can't be read or kept, or what is in its place is no key of ours.
    """
    path = folder / MASKING_KEY
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(_KEY_BYTES + 1)
    except OSError as error:
        raise DetectionError(
            f"the key {path} can't be used: {error.strerror}.",
            hint="Without it nothing tells masked values apart. Mend the folder's permissions, or the disk.",
        ) from error
    if len(key) != _KEY_BYTES or mode & 0o077:
        what = "others may read it" if mode & 0o077 else f"it has {len(key)} bytes, not {_KEY_BYTES}"
        raise DetectionError(
            f"{path} is no key: {what}.",
            hint="Restore it with mode 0600. A new one can't compare what old runs masked.",
        )
    return key


def _make(path: Path) -> None:
    """Make the key, whole or not at all; where there is one, do nothing."""
    if path.exists():
        return
    aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        # A link, not a rename: of two who make one at once the first one's stays.
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def credential_search(place: Place | None = None) -> CredentialSearch:
    """Return the search with a workspace's rules, else with ours. The same rules are compiled once.

    Raises:
        SettingsError: a file of rules can't be used.
    """
    if place is None or not place.settings.secrets.rules:
        return _search(())
    texts = team_texts(place.root, place.settings.secrets.rules, "[secrets] rules")
    return _search(tuple(sorted(texts.items())))


def credential_scanner(place: Place | None = None, *, allowing: bool = True) -> "CredentialScanner":
    """Return what scans for credentials, by a workspace's rules and what it allows; without one, by ours.

    Args:
        place: the workspace.
        allowing: False: what ``[secrets] allow`` lets through is found as well.

    Raises:
        SettingsError: a file of rules can't be used.
    """
    from babysitter.scanners.credentials import CredentialScanner  # noqa: PLC0415 (few who mask scan too)

    allowed = place.settings.secrets.allow if place is not None and allowing else ()
    return CredentialScanner(credential_search(place), allowed=allowed, version=__version__)


@lru_cache(maxsize=8)
def _search(team: tuple[tuple[str, str], ...]) -> "Detector":
    from babysitter.secrets.detection.detector import Detector  # noqa: PLC0415 (heavy libraries)
    from babysitter.secrets.detection.gate_cache import GateCache  # noqa: PLC0415
    from babysitter.secrets.detection.rules import own_rules  # noqa: PLC0415
    from babysitter.secrets.detection.team_rules import read_rules  # noqa: PLC0415

    rules = own_rules()
    for file, text in team:
        rules = read_rules(file, text, base=rules)
    return Detector(rules, GateCache(cache_folder()))
