"""Which folders of this machine a Python needs to see besides the system's.

A virtual environment may stand in the very code that is looked at, and its ``pyvenv.cfg`` names a folder of
this machine. What a file says is therefore shown only where a Python is installed: a home directory is none.
"""

from pathlib import Path

_PARTS = ("bin", "lib", "lib64", "libexec", "share")


def folders_of_python(program: Path) -> tuple[str, ...]:
    """Return the folders of an interpreter: of its virtual environment, and of the Python that is made of."""
    around = program.parent.parent
    settings = around / "pyvenv.cfg"
    found = {*installed_at(program.resolve().parent.parent), *base_of(settings)}
    found |= {str(around)} if settings.is_file() else set(installed_at(around))
    return tuple(sorted(found))


def base_of(settings: Path) -> tuple[str, ...]:
    """Return the folders of the Python that a virtual environment was made of, as its ``pyvenv.cfg`` says."""
    try:
        text = settings.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            return installed_at(Path(value.strip()).resolve().parent)
    return ()


def installed_at(prefix: Path) -> tuple[str, ...]:
    """Return the folders of the Python that is installed below a prefix, and nothing beside them."""
    if next(prefix.glob("lib*/python3*/os.py"), None) is None:
        return ()
    parts = (prefix / part for part in _PARTS)
    return tuple(str(part) for part in parts if part.is_dir() and part.resolve().is_relative_to(prefix))
