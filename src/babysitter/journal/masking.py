"""What the writer asks of whoever knows the secrets. ``secrets.masker.Masker`` is the real one."""

from typing import Protocol

from babysitter.model.detections import Detected
from babysitter.model.values import Json


class StreamMasker(Protocol):
    """Masks a stream that comes in chunks; a secret may lie across their borders."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may be written now; what could be the beginning of a secret is held back."""
        ...

    def flush(self) -> bytes:
        """Return what was held back, masked, at the stream's end."""
        ...

    def take_detections(self) -> list[Detected]:
        """Return the undeclared credentials that were masked since it was last asked."""
        ...


class Masker(Protocol):
    """Turns values into their stored form and back."""

    def mask(self, value: Json) -> Json:
        """Return the stored form: references for secrets, look-alikes escaped; itself if nothing changed.

        Raises:
            DetectionError: nobody could look whether a credential is in it; so it must not be stored.
        """
        ...

    def changes(self, json_text: bytes) -> bool:
        """Return False only when ``mask`` gives back the very values that this JSON text is of."""
        ...

    def unmask(self, stored: Json) -> Json:
        """Return what a reader who may know the secrets gets.

        Raises:
            SecretError: a reference does not resolve, or was never declared.
        """
        ...

    def mask_text(self, text: str) -> str:
        """Return the text with every known secret replaced, for good."""
        ...

    def mask_bytes(self, data: bytes) -> bytes:
        """Return the bytes with every known secret replaced, for good."""
        ...

    def mask_string(self, text: str) -> str:
        """Return the stored form of a text that must stay text; ``unmask`` gives it back."""
        ...

    def mask_name(self, name: str) -> str:
        """Return a form that is fit for a file's name and shows no secret."""
        ...

    def stream(self) -> StreamMasker:
        """Return a masker for one stream."""
        ...

    def take_detections(self) -> list[Detected]:
        """Return the undeclared credentials that this thread's calls have masked since it last asked."""
        ...
