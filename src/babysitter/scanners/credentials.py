"""Credentials in texts and files, as findings. What to look for is the search's business.

Invariants, each with a test in tests/unit/scanners/test_credentials.py:
    - no finding holds the credential;
    - a finding's fingerprint stays when lines move, and is the same on every machine.
"""

from collections import Counter
from collections.abc import Iterable

from babysitter.model.detections import CredentialSearch, Hit, print_of
from babysitter.model.findings import Finding, Span, fingerprint_of

TOOL = "credentials"


class CredentialScanner:
    """Looks for credentials. ``allowed``: prints of values that are none (``[secrets] allow``)."""

    def __init__(self, search: CredentialSearch, *, allowed: Iterable[str] = (), version: str = "") -> None:
        self._search = search
        self._allowed = frozenset(allowed)
        self._version = version

    def scan_text(self, name: str, text: str | bytes) -> list[Finding]:
        """Return the credentials in a text, by place.

        Args:
            name: where the text is from: a path with ``/`` relative to what was scanned, or ``<stdin>``.
            text: bytes of any kind, or text; lone surrogates and zero bytes are no obstacle.

        Raises:
            DetectionError: the search failed.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return Findings(name, self._allowed, self._version).of(data, self.hits(name, data))

    def hits(self, name: str, data: bytes) -> list[Hit]:
        """Return what stands in the bytes, allowed or not."""
        return list(self._search.find(data, spelt(name)))

    def findings(self, name: str) -> "Findings":
        """Return what makes findings of one file that comes in pieces."""
        return Findings(name, self._allowed, self._version)


def spelt(name: str) -> str:
    """Return a file's name as text that can be kept: bytes that are no UTF-8 are spelt out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class Findings:
    """Makes the findings of one file: counts its lines, and tells equal findings in it apart."""

    def __init__(self, name: str, allowed: frozenset[str], version: str) -> None:
        self._name = spelt(name)
        self._allowed = allowed
        self._version = version
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lines = 0
        self._columns = 0

    def of(self, data: bytes, hits: Iterable[Hit]) -> list[Finding]:
        """Return the findings of the file's next bytes."""
        found = []
        for hit in hits:
            printed = print_of(hit.rule, hit.value)
            if printed not in self._allowed:
                found.append(self._finding(data, hit, printed))
        return found

    def skip(self, data: bytes) -> None:
        """Count the lines of bytes that were dealt with; what comes next stands behind them."""
        line, column = _place(data, len(data))
        self._columns = column - 1 + (self._columns if line == 1 else 0)
        self._lines += line - 1

    def _finding(self, data: bytes, hit: Hit, printed: str) -> Finding:
        nth = self._seen[hit.rule, printed]
        self._seen[hit.rule, printed] += 1
        return Finding(
            tool=TOOL,
            rule=hit.rule,
            category="credential",
            severity=hit.severity,
            path=self._name,
            message=f"{hit.description or hit.rule} in clear text.",
            fingerprint=fingerprint_of(TOOL, hit.rule, self._name, printed, nth),
            version=self._version,
            span=self._span(data, hit),
            fix="Revoke it where it was issued, then name it as a secret instead. "
            f'If it is none, allow it in babysitter.toml: [secrets] allow = ["{printed}"].',
        )

    def _span(self, data: bytes, hit: Hit) -> Span:
        line, column = self._place(data, hit.begin)
        end_line, end_column = self._place(data, hit.end)
        return Span(line=line, column=column, end_line=end_line, end_column=end_column)

    def _place(self, data: bytes, at: int) -> tuple[int, int]:
        line, column = _place(data, at)
        return self._lines + line, column + (self._columns if line == 1 else 0)


def _place(data: bytes, at: int) -> tuple[int, int]:
    """Return line and column, in characters, of a byte; both count from 1."""
    start = data.rfind(b"\n", 0, at) + 1
    return data.count(b"\n", 0, at) + 1, len(data[start:at].decode("utf-8", "replace")) + 1
