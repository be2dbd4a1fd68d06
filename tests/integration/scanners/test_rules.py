"""Each rule that we ship finds the bad snippet and not the good one, with the true semgrep, in one run.

In ``rule_cases`` a line that says ``finds: rule`` has to be found by that rule, and no other line by any.
"""

import re
from pathlib import Path

import pytest

from babysitter.scanners.semgrep import RULES
from tests.integration.scanners.conftest import Place, places

CASES = Path(__file__).parent / "rule_cases"
LANGUAGES = ("python", "javascript")
WEAKNESSES = ("sql-injection", "xss", "command-injection", "path-traversal", "ssrf", "deserialization")


def rules() -> dict[str, str]:
    """Return the category of each rule that stands in the files."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(RULES.glob("*.yaml")))
    return dict(re.findall(r"^  - id: (\S+)$.*?^      category: (\S+)$", text, re.MULTILINE | re.DOTALL))


def wanted() -> set[tuple[str, int, str]]:
    """Return file, line and rule of each line that has to be found."""
    return {
        (file.name.removesuffix(".txt"), number, rule)
        for file in CASES.glob("*.txt")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if (found := re.search(r"finds: (.*)$", line))
        for rule in found[1].split()
    }


def test_there_is_a_rule_for_each_weakness_in_each_language() -> None:
    there = {(name.partition("-")[0], category) for name, category in rules().items()}

    assert there == {(language, weakness) for language in LANGUAGES for weakness in WEAKNESSES}


def test_each_rule_has_a_case() -> None:
    assert {rule for _, _, rule in wanted()} == set(rules())


@pytest.mark.promise("G15")
@pytest.mark.needs("semgrep")
def test_each_rule_finds_what_is_bad_and_nothing_that_is_good(place: Place) -> None:
    place.write(
        {file.name.removesuffix(".txt"): file.read_text(encoding="utf-8") for file in CASES.glob("*.txt")}
    )
    place.write({".semgrepignore": "*\n", ".gitignore": "*\n"})

    found = place.scan("semgrep")

    assert places(found.findings) == wanted()
    assert found.complete
    assert {each.category for each in found.findings} == set(WEAKNESSES)
