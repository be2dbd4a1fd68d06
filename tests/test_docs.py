"""The reference says what the code has: commands, settings, variables, events, error codes; no link is dead.

Each list is taken from the code. What stands in docs/reference is looked for on all its pages together, so
a page may be split or renamed; a name counts between backticks, a command where a heading has it.
"""

import ast
import importlib
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from babysitter.config import Settings
from babysitter.mcp.arguments import ARGUMENTS_BYTES_MAX
from babysitter.mcp.drives import DRIVES_MAX
from babysitter.mcp.server import CALLS_MAX, RESULT_BYTES_MAX
from babysitter.mcp.stdio import LINE_BYTES_MAX
from babysitter.mcp.tools import TOOLS
from babysitter.model.errors import BabysitterError
from babysitter.model.events import EVENT_TYPES
from babysitter.model.values import MAX_DEPTH
from babysitter.server.mcp_mount import ALL_MAX, PER_CALLER_MAX
from babysitter.server.refused import BODY_BYTES_MAX, GATE
from babysitter.service.confined_scanning import FINDINGS_MAX

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
SOURCES = ROOT / "src" / "babysitter"


def reference() -> str:
    """Return all pages of docs/reference, one after another."""
    pages = sorted(REFERENCE.rglob("*.md"))
    assert pages, "docs/reference has no page."
    return "\n\n".join(page.read_text(encoding="utf-8") for page in pages)


def quoted(text: str) -> set[str]:
    """Return what stands between single backticks, fenced blocks left out."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)))


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading, up to the next one of any level; a heading loses its backticks."""
    parts = re.split(r"^#{1,6} +(.+?) *$", text, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        found[heading.replace("`", "").strip()] = body
    return found


def sections_of(words: str, found: dict[str, str]) -> list[str]:
    """Return the text below the headings of one command: ``babysitter run status``, arguments may follow."""
    heading_of_it = re.compile(rf"(babysitter )?{words}( [^a-z].*)?")
    return [body for heading, body in found.items() if heading_of_it.fullmatch(heading)]


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Give each visible command that does something, with its words; ``group:verb`` aliases are left out."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, f"babysitter {' '.join((*path, name))} is listed and can't be loaded."
            if not inner.hidden and ":" not in name:
                yield from walk(inner, (*path, name))
    else:
        yield " ".join(path), command


def command_tree() -> dict[str, click.Command]:
    """Return every command by its words, without the program's name."""
    main = importlib.import_module("babysitter.cli.root")
    roots = [value for value in vars(main).values() if isinstance(value, click.Group)]
    assert len(roots) == 1, (
        "babysitter.cli.root must hold exactly one click.Group, the root of all commands; "
        f"the list of commands is derived from it. Found: {roots}"
    )
    return dict(walk(roots[0]))


def setting_names(shape: type[msgspec.Struct] = Settings, path: str = "") -> Iterator[str]:
    """Give each key of babysitter.toml with its table, as ``sandbox.tasks.write``."""
    for field in msgspec.structs.fields(shape):
        name = f"{path}.{field.encode_name}".lstrip(".")
        kinds = [field.type, *getattr(field.type, "__args__", ())]
        inner = next(
            (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)), None
        )
        if inner is None:
            yield name
        else:
            yield from setting_names(inner, name)


def is_environment(node: ast.AST) -> bool:
    """Tell whether the expression is ``os.environ``."""
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def variables() -> set[str]:
    """Return the environment variables that the code reads by a literal name, or that bear our name."""
    found = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            key: ast.AST | None = None
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and is_environment(node.func.value)
            ):
                key = node.args[0] if node.args else None
            elif isinstance(node, ast.Subscript) and is_environment(node.value):
                key = node.slice
            elif isinstance(node, ast.Constant) and re.fullmatch(r"BABYSITTER_[A-Z_]+[A-Z]", str(node.value)):
                key = node
            if isinstance(key, ast.Constant):
                found.add(str(key.value))
    return found


def error_classes(cls: type[BabysitterError] = BabysitterError) -> Iterator[type[BabysitterError]]:
    """Give the classes of the tree that are raised: those that have a code of their own below the root."""
    for child in cls.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from error_classes(child)


def test_every_command_has_a_heading() -> None:
    found = sections(reference())

    missing = [words for words in command_tree() if not sections_of(words, found)]

    assert missing == [], (
        f"docs/reference needs a heading for each of these (## babysitter run status): {missing}"
    )


def test_every_option_stands_under_its_command() -> None:
    found = sections(reference())

    missing = []
    for words, command in command_tree().items():
        body = "".join(sections_of(words, found))
        names = [max(option.opts, key=len) for option in command.params if isinstance(option, click.Option)]
        missing += [
            f"{words} {name}" for name in names if name not in ("--help", "--json") and name not in body
        ]

    assert missing == [], (
        f"docs/reference does not name these options under their command's heading: {missing}"
    )


def test_every_command_has_help_with_an_example() -> None:
    bare = []
    for words, command in command_tree().items():
        if f"babysitter {words}" not in (command.help or "") + (command.epilog or ""):
            bare.append(words)

    assert bare == [], (
        f"the --help of these commands shows no example (a line with babysitter COMMAND ...): {bare}"
    )


def test_every_setting_stands_in_the_reference() -> None:
    text = reference()
    names = quoted(text)

    missing = [name for name in setting_names() if name not in names]

    assert missing == [], f"docs/reference does not name these settings, as `table.key`: {missing}"


def test_every_environment_variable_stands_in_the_reference() -> None:
    missing = sorted(variables() - quoted(reference()))

    assert missing == [], f"docs/reference does not name these environment variables: {missing}"


def test_every_event_type_and_field_stands_in_the_reference() -> None:
    names = quoted(reference())

    missing = [event_type for event_type in EVENT_TYPES if event_type not in names]
    for event_type, cls in EVENT_TYPES.items():
        fields = [field.encode_name for field in msgspec.structs.fields(cls)]
        missing += [f"{event_type}.{field}" for field in fields if field not in names]

    assert missing == [], (
        f"docs/reference does not name these event types and fields between backticks: {missing}"
    )


def test_the_reference_names_no_event_that_is_not() -> None:
    headings = {heading.split()[0] for heading in sections(reference())}

    written = {name for name in headings if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name)}
    gone = sorted(written - set(EVENT_TYPES) - variables())

    assert gone == [], (
        f"docs/reference has headings for events or variables that the code does not have: {gone}"
    )


def test_every_error_code_stands_in_the_reference() -> None:
    names = quoted(reference())

    missing = sorted(({cls.code for cls in error_classes()} | set(GATE)) - names)

    assert missing == [], f"docs/reference does not name these error codes between backticks: {missing}"


def test_the_reference_names_no_error_code_that_is_not() -> None:
    codes = {cls.code for cls in error_classes()}
    families = {code.partition(".")[0] for code in codes}

    written = {
        name for name in quoted(reference()) if re.fullmatch(rf"({'|'.join(families)})\.[a-z_]+", name)
    }
    files = {name for name in written if name.endswith((".md", ".json", ".jsonl", ".py", ".toml"))}
    gone = sorted(written - codes - set(GATE) - files)

    assert gone == [], f"docs/reference names error codes that the code does not have: {gone}"


def test_every_finding_of_an_audit_stands_in_its_how_to() -> None:
    """Findings whose code is put together at run time are named by the tests that cause them."""
    page = (ROOT / "docs" / "how-to" / "audit.md").read_text(encoding="utf-8")
    sources = [
        path.read_text(encoding="utf-8") for path in (ROOT / "src/babysitter/service").glob("audit*.py")
    ]
    told = {code for text in sources for code in re.findall(r'error\(\s*"([a-z.-]+)"', text)}
    caused = (ROOT / "tests/integration/audit/test_decided_again.py").read_text(encoding="utf-8")
    told |= set(re.findall(r'"((?:answer|release|start|question)\.[a-z]+)"', caused))

    missing = {
        code for code in told if f"`{code}`" not in page and f"`.{code.partition('.')[2]}`" not in page
    }

    assert len(told) > 40
    assert missing == set()


@pytest.mark.promise("G28")
@pytest.mark.parametrize("name", ["configuration", "commands", "troubleshooting", "glossary"])
def test_the_documents_that_the_guide_names_are_there_and_are_reached_from_the_index(name: str) -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    assert (REFERENCE / f"{name}.md").is_file()
    assert f"(reference/{name}.md)" in index


def calls(page: Path) -> Iterator[list[str]]:
    """Give the words of each call of ours in a shell block of a page, as far as no shell is needed."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.shlex(line, posix=True, punctuation_chars=True)
            words.whitespace_split = True
            try:
                found = list(itertools.takewhile(lambda word: word[0] not in "|;&<>()", words))
            except ValueError:
                continue  # A quote that goes on in the next line.
            if found[:1] == ["babysitter"] and found[1:]:
                yield found[1:]


@pytest.mark.promise("G28")
def test_every_call_that_a_page_shows_is_one_that_there_is() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    root = importlib.import_module("babysitter.cli.root").babysitter

    wrong, seen = [], 0
    for page in pages:
        for words in calls(page):
            seen += 1
            try:
                parse(root, words)
            except click.UsageError as error:
                wrong.append(f"{page.relative_to(ROOT)}: babysitter {' '.join(words)}: {error.message}")

    assert seen > 50
    assert wrong == []


def parse(command: click.Command, words: list[str]) -> None:
    """Find the command and read its options, by their names alone: no value is looked at."""
    context = click.Context(command, info_name="babysitter")
    while isinstance(command, click.Group) and words[:1] not in ([], ["--version"], ["--help"]):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    parser = command.make_parser(click.Context(command, info_name=command.name))
    _, rest, _ = parser.parse_args(list(words))
    if rest:
        raise click.UsageError(f"{rest} is too much")


def test_every_check_that_a_page_names_is_one_of_doctor() -> None:
    known = {check.id for check in importlib.import_module("babysitter.service.doctor.catalogue").CHECKS}
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    named = {name for page in pages for name in re.findall(r"\bD\d\d-[a-z-]+[a-z]", page.read_text("utf-8"))}

    assert named >= known
    assert named - known == set()


def test_every_link_between_our_pages_leads_somewhere() -> None:
    pages = [page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if page.is_file()]

    dead = []
    for page in pages:
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text(encoding="utf-8"))
        ours = [target for target in targets if not re.match(r"[a-z]+:", target)]
        dead += [f"{page.relative_to(ROOT)} -> {name}" for name in ours if not (page.parent / name).exists()]

    assert dead == [], f"these links lead nowhere: {dead}"


def test_every_tool_for_agents_stands_in_the_reference_with_its_action_hints_and_arguments() -> None:
    page = (REFERENCE / "mcp.md").read_text(encoding="utf-8")
    found = sections(page)
    hints = {
        "read-only": "reads_only",
        "destructive": "destructive",
        "idempotent": "idempotent",
        "open world": "open_world",
    }

    assert {heading for heading in found if "_" in heading or heading == "scan"} == {t.name for t in TOOLS}
    for tool in TOOLS:
        body = found[tool.name]
        assert f"Action `{tool.action}`." in body
        given = [word for word, field in hints.items() if getattr(tool.effects, field)] or ["none"]
        assert f"Hints: {', '.join(given)}." in body
        rows = re.findall(r"^\| `(\w+)`( \(required\))? \|", body, re.MULTILINE)
        fields = msgspec.structs.fields(tool.takes)
        assert rows == [(field.encode_name, " (required)" if field.required else "") for field in fields]
        assert tool.description in body


def test_the_bounds_of_tools_stand_in_the_reference() -> None:
    page = (REFERENCE / "mcp.md").read_text(encoding="utf-8")
    mib = 1024 * 1024

    for text in (
        f"arguments of {ARGUMENTS_BYTES_MAX // mib} MiB in all and {MAX_DEPTH} levels",
        f"answers of {RESULT_BYTES_MAX // mib} MiB, {CALLS_MAX} calls and {DRIVES_MAX} driven runs",
        f"more than {LINE_BYTES_MAX // mib} MiB ends the session",
        f"the worst {FINDINGS_MAX},",
        f"a body of {BODY_BYTES_MAX // mib} MiB, {PER_CALLER_MAX} calls of one caller and {ALL_MAX} in all",
    ):
        assert text in page, text


@pytest.mark.parametrize(
    "page", [ROOT / "GLOSSARY.md", REFERENCE / "settings.md"], ids=["glossary", "settings"]
)
def test_nothing_is_explained_twice_in_a_table(page: Path) -> None:
    names = re.findall(r"^\| ([^|]+?) \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = {"---", "word", "setting", "key", "variable"}

    twice = {name for name in names if names.count(name) > 1 and name.casefold() not in headings}
    assert not twice, f"{page.name} has more than one row for {sorted(twice)}."


def test_the_index_leads_to_every_page_once() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#]+\.md)\)", index)
    kinds = ("tutorial", "how-to", "reference", "explanation")
    pages = {f"{kind}/{page.name}" for kind in kinds for page in (ROOT / "docs" / kind).glob("*.md")}

    assert sorted(linked) == sorted(pages | {"adr/index.md"})
