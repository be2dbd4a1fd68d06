"""Making a folder a workspace. Whatever is there is kept as it is."""

from pathlib import Path

from babysitter.config import RUN_DATA
from babysitter.model.errors import RefusedError
from babysitter.service.views import View

ENVIRONMENT_FILES = (".env", ".env.local", ".env.*.local")
CREDENTIAL_FILES = ("*.pem", "*.key", "credentials.json")
IGNORE_LINES = (
    ("# Babysitter run data", (f"{RUN_DATA}/",)),
    ("# Environment files with secrets", ENVIRONMENT_FILES),
    ("# Credentials", CREDENTIAL_FILES),
)
"""What the security guide wants ignored, group by group."""

_SETTINGS = """\
# Settings of this workspace. Every key: docs/reference/settings.md

[sandbox]
# mode = "auto"          # bubblewrap, else landlock; "none" switches confinement off and every run says so

[secrets]
# names = ["PARTNER_LOGIN"]  # secret whatever they are called; names such as *_TOKEN are recognised

[budget]
# steps = 1000
"""

_PROCESS = '''\
"""An example process. Start it with: babysitter start process.py"""

from babysitter import Context, process, shell_task


@shell_task
def count_files() -> list[str]:
    return ["sh", "-c", "ls | wc -l"]


@process
async def hello(ctx: Context) -> dict[str, object]:
    counted = await ctx.task(count_files)
    review = await ctx.breakpoint(
        question=f"There are {counted.stdout.strip()} files here. Go on?",
        title="First breakpoint",
    )
    return {"files": int(counted.stdout), "approved": review.approved}
'''


class Founded(View, frozen=True, kw_only=True):
    """A workspace, and what was done to each file: written, completed or kept."""

    root: str
    files: dict[str, str]


def found_workspace(folder: Path) -> Founded:
    """Write what a workspace needs and lacks.

    Raises:
        RefusedError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "babysitter.toml": _write_new(folder / "babysitter.toml", _SETTINGS),
            ".gitignore": complete_ignore(folder / ".gitignore"),
            "process.py": _write_new(folder / "process.py", _PROCESS),
        }
    except OSError as error:
        raise RefusedError(
            f"{folder} can't be written: {error.strerror}.", hint="Choose another folder."
        ) from None
    return Founded(root=str(folder.resolve()), files=files)


def _write_new(path: Path, text: str) -> str:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return "kept"
    return "written"


def complete_ignore(path: Path) -> str:
    """Add the guide's lines that a .gitignore lacks, at its end; touch nothing else. Return what was done."""
    # A file in another encoding keeps its bytes: what can't be read as text is written back as it was.
    before = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    have = {line.strip() for line in before.splitlines()}
    parts = []
    for title, lines in IGNORE_LINES:
        missing = [line for line in lines if line not in have and line.rstrip("/") not in have]
        if missing:
            parts.append("\n".join([title, *missing]))
    if not parts:
        return "kept"
    glue = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    text = before + glue + "\n\n".join(parts) + "\n"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return "completed" if before else "written"
