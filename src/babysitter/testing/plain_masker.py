"""A masker for tests of the journal: it knows given values in their raw form alone, and does it plainly.

    masker = PlainMasker({"env:API_KEY": "s3cret-value"})

Fulfils ``journal.masking.Masker``. Not for keeping secrets: the real one is secrets/masker.py.
"""

import re
from collections.abc import Callable, Mapping

from babysitter.model.detections import Detected
from babysitter.model.errors import SecretError
from babysitter.model.secret import Secret
from babysitter.model.values import Json

_REFERENCE = re.compile(r"(\$+)\{secret:([^}]*)\}")


class PlainMasker:
    """Masks and unmasks by plain replacement."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    @property
    def masks_nothing(self) -> bool:
        """True when it knows no value."""
        return not self._values

    def mask(self, value: Json) -> Json:
        """See Masker."""
        return _mapped(value, self._mask_text_part)

    def changes(self, json_text: bytes) -> bool:
        """See Masker."""
        return b"$" in json_text or any(value.encode() in json_text for value in self._values.values())

    def unmask(self, stored: Json) -> Json:
        """See Masker."""
        if isinstance(stored, dict) and set(stored) == {"$secret"}:
            return self._value(stored["$secret"])
        if isinstance(stored, dict):
            return {
                self._unmask_text(key.removeprefix("$$")): self.unmask(item) for key, item in stored.items()
            }
        if isinstance(stored, list):
            return [self.unmask(item) for item in stored]
        return self._unmask_text(stored) if isinstance(stored, str) else stored

    def mask_text(self, text: str) -> str:
        """See Masker."""
        return self.mask_bytes(text.encode()).decode()

    def mask_bytes(self, data: bytes) -> bytes:
        """See Masker."""
        for ref, value in self._values.items():
            data = data.replace(value.encode(), f"${{secret:{ref}}}".encode())
        return data

    def mask_string(self, text: str) -> str:
        """See Masker."""
        masked = self.mask(text)
        return f"${{secret:{masked['$secret']}}}" if isinstance(masked, dict) else str(masked)

    def mask_name(self, name: str) -> str:
        """See Masker."""
        for ref, value in self._values.items():
            name = name.replace(value, f"({ref.replace(':', '-')})")
        return re.sub(r"[${}:]", "-", name)

    def stream(self) -> "PlainStream":
        """See Masker."""
        return PlainStream(self)

    def take_detections(self) -> list[Detected]:
        """See Masker. It looks for none."""
        return []

    def _mask_text_part(self, text: str) -> Json:
        for ref, value in self._values.items():
            if text == value:
                return {"$secret": ref}
        escaped = re.sub(r"\$+(?=\{secret:)", lambda found: found[0] * 2, text)
        return self.mask_text(escaped)

    def _unmask_text(self, text: str) -> str:
        def back(found: re.Match[str]) -> str:
            dollars = len(found[1])
            if dollars % 2:
                return "$" * (dollars // 2) + self._value(found[2])
            return "$" * (dollars // 2) + f"{{secret:{found[2]}}}"

        return _REFERENCE.sub(back, text)

    def _value(self, ref: str) -> str:
        if ref not in self._values:
            raise SecretError(f"{ref} has no value here.", hint="Give the test's masker one.", ref=ref)
        return self._values[ref]


class PlainStream:
    """Holds everything back until the end, so that no border can cut a secret."""

    def __init__(self, masker: PlainMasker) -> None:
        self._masker = masker
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """See StreamMasker."""
        self._held += chunk
        return b""

    def flush(self) -> bytes:
        """See StreamMasker."""
        held, self._held = self._held, b""
        return self._masker.mask_bytes(held)

    def take_detections(self) -> list[Detected]:
        """See StreamMasker."""
        return self._masker.take_detections()


def _mapped(value: Json, text: Callable[[str], Json]) -> Json:
    """Return the value with every text in it mapped; the same object when nothing changed."""
    if isinstance(value, str):
        mapped = text(value)
        return value if mapped == value else mapped
    if isinstance(value, Secret):
        return {"$secret": value.ref}
    if isinstance(value, dict):
        items = {_mapped_key(key, text): _mapped(item, text) for key, item in value.items()}
        same = list(items) == list(value) and all(items[key] is item for key, item in value.items())
        return value if same else items
    if isinstance(value, list | tuple):
        parts = [_mapped(item, text) for item in value]
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else parts
    return value


def _mapped_key(key: str, text: Callable[[str], Json]) -> str:
    mapped = text(key)
    if isinstance(mapped, dict):
        return f"${{secret:{mapped['$secret']}}}"
    return f"$${mapped}" if mapped.startswith("$") and not mapped.startswith("${") else str(mapped)
