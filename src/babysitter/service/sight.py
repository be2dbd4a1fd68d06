"""How what a process does is compared with what its journal has, where either may hold secrets."""

from typing import Protocol

from babysitter.engine.matching import PLAIN
from babysitter.model.values import Json, encode_json, sha256_hex
from babysitter.secrets.detection.marks import Sealer, stands_for
from babysitter.secrets.detection.screening import Screen, ScreeningMasker
from babysitter.service.detecting import credential_search


class Reveals(Protocol):
    """Knows the values of declared secrets."""

    def reveal(self, value: Json) -> Json:
        """Return the value with each ``Secret`` leaf replaced."""
        ...


class Sight:
    """See engine.matching.Matcher."""

    def __init__(self, vault: Reveals, masker: ScreeningMasker, sealer: Sealer) -> None:
        self._vault = vault
        self._masker = masker
        self._sealer = sealer

    def same_value(self, code: Json, journal: Json) -> bool:
        """Tell whether a value of the code, its references resolved, is the journal's resolved value.

        Where a credential that nobody declared was masked, its HMAC is compared: rules that were added or
        dropped since then change nothing.
        """
        revealed = self._vault.reveal(code)
        return PLAIN.same_value(revealed, journal) or stands_for(journal, revealed, self._sealer)

    def describe(self, value: Json) -> str:
        """Return the value as text for a person, masked."""
        return encode_json(self._masker.mask(value)).decode()

    def is_artifact(self, content: bytes, sha256: str) -> bool:
        """Tell whether the content has that digest on disk, where it is masked.

        By the rules in force, by none, or by ours alone: what was masked when it was written is not known.
        """
        masker = self._masker
        ways = (masker.mask_bytes, masker.without_screen().mask_bytes, self._by_our_rules)
        return any(sha256_hex(way(content)) == sha256 for way in ways)

    def _by_our_rules(self, content: bytes) -> bytes:
        screen = Screen(credential_search(), self._sealer)
        return ScreeningMasker(self._masker.without_screen(), screen).mask_bytes(content)
