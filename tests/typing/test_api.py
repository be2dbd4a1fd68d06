"""tests/typing/api.py says what an author's editor knows; mypy says whether it is true."""

from pathlib import Path

from mypy import api

FILE = Path(__file__).parent / "api.py"


def test_the_authors_surface_has_the_types_it_promises(tmp_path: Path) -> None:
    """An unneeded ignore is an error too, so each expected mistake of the file really is one."""
    root = FILE.parents[2]
    options = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(root / ".mypy_cache")]

    said, complaints, status = api.run([*options, "--warn-unused-ignores", str(FILE)])

    assert status == 0, said + complaints
