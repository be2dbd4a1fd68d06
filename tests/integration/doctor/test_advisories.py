"""An advisory database on disk, asked about what Babysitter stands on: flaws, and what it can't know."""

import json
from pathlib import Path

import pytest

from babysitter.model.errors import RefusedError
from babysitter.service.doctor.advisories import advisories_of, look_up
from babysitter.service.wiring import open_workspace

pytestmark = pytest.mark.promise("G04")
INSTALLED = {"babysitter": "0.1.0", "click": "8.2.1", "msgspec": "0.19.0", "odd": "no version at all"}


def advisory(folder: Path, name: str, *, ecosystem: str = "PyPI", fixed: str = "9.0") -> None:
    """Write an advisory about a package, of all versions before one."""
    folder.mkdir(exist_ok=True)
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges}]
    whole = {"id": f"OSV-{name}", "modified": "2026-01-01T00:00:00Z", "affected": affected}
    (folder / f"{name}.json").write_text(json.dumps(whole))


def test_a_flaw_is_named_and_what_has_none_is_told_as_looked_at(tmp_path: Path) -> None:
    advisory(tmp_path / "osv", "click")

    assert look_up(tmp_path / "osv", {"click": "8.2.1", "msgspec": "0.19.0"}) == {
        "click": ["OSV-click"],
        "msgspec": [],
    }


def test_what_can_not_be_compared_and_we_ourselves_are_left_out(tmp_path: Path) -> None:
    advisory(tmp_path / "osv", "click")
    advisory(tmp_path / "osv", "odd")

    assert look_up(tmp_path / "osv", INSTALLED).keys() == {"click", "msgspec"}


@pytest.mark.parametrize("what", ["not there", "of other packages", "half an advisory"])
def test_a_database_that_knows_nothing_of_ours_is_no_all_clear(tmp_path: Path, what: str) -> None:
    if what != "not there":
        advisory(tmp_path / "osv", "left-pad", ecosystem="npm" if what == "of other packages" else "PyPI")
    if what == "half an advisory":
        (tmp_path / "osv" / "broken.json").write_text("{")

    with pytest.raises(RefusedError):
        look_up(tmp_path / "osv", INSTALLED)


def test_the_settings_say_which_and_without_them_nobody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "babysitter.toml").write_text("")
    assert advisories_of(open_workspace(tmp_path)) is None
    advisory(tmp_path / "osv", "click")
    (tmp_path / "babysitter.toml").write_text('[scan]\nosv = "osv"\n')

    ask = advisories_of(open_workspace(tmp_path))

    assert ask is not None
    assert ask({"click": "8.2.1"}) == {"click": ["OSV-click"]}
