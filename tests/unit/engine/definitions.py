"""Tasks that the engine's tests ask for. Nothing performs them: the host answers."""

from babysitter.authoring.steps import Value
from babysitter.authoring.tasks import ShellResult, node_task, shell_task, task


@task(inline=True)
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@task(inline=True)
def note(value: Value) -> Value:
    """Give back what came in."""
    return value


@task
def build(target: str) -> str:
    """Name what was built."""
    return f"dist/{target}"


@shell_task
def make(target: str) -> list[str]:
    """Run make."""
    return ["make", target]


@node_task("scripts/lint.mjs")
def lint(path: str) -> ShellResult:
    """Lint a file."""
    raise AssertionError(path)
