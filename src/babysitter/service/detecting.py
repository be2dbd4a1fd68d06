"""What looks for credentials that nobody declared, wired: our rules and a team's, and the cache of what they compile to."""

from functools import lru_cache
from typing import TYPE_CHECKING

from babysitter.config import Place, cache_folder, team_texts
from babysitter.model.detections import CredentialSearch

if TYPE_CHECKING:
    from babysitter.secrets.detection.detector import Detector


def credential_search(place: Place | None = None) -> CredentialSearch:
    """Return the search with a workspace's rules; without one, with ours alone. The same rules are compiled once.

    Raises:
        SettingsError: a file of rules can't be used.
    """
    if place is None or not place.settings.secrets.rules:
        return _search(())
    texts = team_texts(place.root, place.settings.secrets.rules, "[secrets] rules")
    return _search(tuple(sorted(texts.items())))


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
