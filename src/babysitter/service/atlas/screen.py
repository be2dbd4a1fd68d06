"""What of the workspace's own files is shown: their text, with whatever looks like a credential masked.

Journals are masked when they are written. A document or a line of code never was, so it is searched here,
whatever ``[secrets] detect`` says of new run data; what the settings allow by fingerprint passes. Looking at
a folder leaves nothing in it: where no run has made the key yet under which credentials are digested, a mark
has zeros in the digest's place.
"""

from functools import partial
from typing import Any

from babysitter.config import Place
from babysitter.model.detections import Hit
from babysitter.secrets.detection.marks import Sealer, inline_mark
from babysitter.secrets.detection.screening import Screen
from babysitter.service.detecting import MASKING_KEY, LateSearch, credential_search, masking_key
from babysitter.service.wiring import beside_runs

NO_DIGEST = "0" * 8


class Screening:
    """Masks texts of one workspace. A search that fails raises DetectionError, and nothing is shown."""

    def __init__(self, place: Place) -> None:
        keys = beside_runs(place.runs_dir, "keys")
        self._key_file = keys / MASKING_KEY
        search = LateSearch(partial(credential_search, place))
        allowed = place.settings.secrets.allow
        self._keyed = Screen(search, Sealer(partial(masking_key, keys)), allowed)
        # Without the workspace's key no fingerprint of its journals can be told, those of ``scan`` can.
        self._keyless = Screen(search, Sealer(partial(bytes, 32)), allowed)

    def text(self, text: str) -> str:
        """Return the text with a mark in the place of each credential; the same object when there is none."""
        data = text.encode("utf-8", "surrogatepass")
        if not self._keyed.search.may_hold(data):
            return text
        has_key = self._key_file.exists()
        pieces, position = [], 0
        for hit in (self._keyed if has_key else self._keyless).hits(data):
            begin = max(hit.begin, position)
            pieces += [data[position:begin], self._mark(hit, data, has_key=has_key)]
            position = max(hit.end, position)
        if not pieces:
            return text
        return b"".join((*pieces, data[position:])).decode("utf-8", "replace")

    def value(self, value: Any) -> Any:  # noqa: ANN401 (any JSON)
        """Return any JSON with its texts, and the names in it, masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def _mark(self, hit: Hit, data: bytes, *, has_key: bool) -> bytes:
        digest = self._keyed.sealer.hmac8(data[hit.begin : hit.end]) if has_key else NO_DIGEST
        return inline_mark(hit.rule, digest).encode()
