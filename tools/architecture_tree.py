"""Draw the tree of src/babysitter, each module with the first line of its docstring.

ARCHITECTURE.md holds the drawing between two marker lines. ``--write`` renews it there, ``--check`` compares
(exit status 1 and a diff when it is stale), without either it is printed.
"""

import ast
import difflib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "babysitter"
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN = "<!-- tree: written by tools/architecture_tree.py -->"
END = "<!-- /tree -->"
COLUMN = 34


def first_line(module: Path) -> str:
    """Return the first sentence-line of a module's docstring, or nothing."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].rstrip(".")


def entries(folder: Path, depth: int = 0) -> list[str]:
    """Return the lines of one folder: its modules, then its packages, each sorted by name."""
    lines = []
    children = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    for path in sorted(children, key=lambda child: (child.is_dir(), child.name)):
        indent = "  " * depth
        if path.is_dir():
            inside = entries(path, depth + 1)
            init = path / "__init__.py"
            if inside or init.is_file():
                about = first_line(init) if init.is_file() else ""
                lines += [f"{indent + path.name + '/':<{COLUMN}}{about}".rstrip(), *inside]
        elif path.suffix == ".py":
            lines.append(f"{indent + path.name:<{COLUMN}}{first_line(path)}".rstrip())
        elif path.suffix != ".pyc":
            lines.append(indent + path.name)
    return lines


def drawing() -> str:
    """Return the block as it stands in the page, markers included."""
    return "\n".join([BEGIN, "```", "src/babysitter/", *entries(PACKAGE, 1), "```", END])


def main(arguments: list[str]) -> int:
    """Print, write or check the drawing."""
    wanted = drawing()
    if not arguments:
        print(wanted)
        return 0
    page = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    before, begin, rest = page.partition(BEGIN)
    shown, end, after = rest.partition(END)
    if not (begin and end):
        print(f"ARCHITECTURE.md lacks the two lines {BEGIN!r} and {END!r}; put them where the tree belongs.")
        return 1
    if arguments == ["--write"]:
        PAGE.write_text(before + wanted + after, encoding="utf-8")
        return 0
    have = begin + shown + end
    for line in difflib.unified_diff(
        have.split("\n"), wanted.split("\n"), "ARCHITECTURE.md", "src/babysitter", "", "", 0, ""
    ):
        print(line)
    return int(have != wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
