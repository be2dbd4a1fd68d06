"""Findings of credentials: what they say, and what they never say."""

from babysitter.model.detections import Hit
from babysitter.scanners.credentials import CredentialScanner

VALUE = b"opensesame-1234"


class OneWord:
    """A search that knows one value."""

    def may_hold(self, text: bytes) -> bool:
        return VALUE in text

    def find(self, text: bytes, path: str = "") -> list[Hit]:
        del path
        hits = []
        at = text.find(VALUE)
        while at >= 0:
            hits.append(Hit("the-rule", "a word", "high", at, at + len(VALUE), VALUE))
            at = text.find(VALUE, at + 1)
        return hits


def scanner(*allowed: str) -> CredentialScanner:
    return CredentialScanner(OneWord(), allowed=allowed)


def test_a_finding_says_where_and_never_what() -> None:
    text = f"a\nß = {VALUE.decode()}\n"

    found = scanner().scan_text("a.py", text)

    assert [(f.rule, f.path, f.span.line, f.span.column) for f in found if f.span] == [
        ("the-rule", "a.py", 2, 5)
    ]
    assert VALUE.decode() not in repr(found)


def test_a_fingerprint_stays_when_lines_move_and_tells_equal_findings_apart() -> None:
    before = scanner().scan_text("a.py", VALUE + b"\n" + VALUE)
    after = scanner().scan_text("a.py", b"\n\n" + VALUE + b"\nx\n" + VALUE)

    assert [f.fingerprint for f in before] == [f.fingerprint for f in after]
    assert len({f.fingerprint for f in before}) == 2
    assert scanner().scan_text("b.py", VALUE)[0].fingerprint != before[0].fingerprint


def test_what_a_finding_says_to_allow_is_found_no_more() -> None:
    fix = scanner().scan_text("a.py", VALUE)[0].fix
    printed = fix.rpartition('["')[2].partition('"]')[0]

    assert scanner(printed).scan_text("a.py", VALUE) == []
    assert scanner("0" * 32).scan_text("a.py", VALUE) != []


def test_text_that_is_no_text_is_searched_all_the_same() -> None:
    assert scanner().scan_text("a", f"\ud800\0{VALUE.decode()}")
    assert scanner().scan_text("a", b"\xff\x00" + VALUE)
