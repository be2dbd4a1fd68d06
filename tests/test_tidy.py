"""The shape of the code, kept by sentences that fail: sizes, names, docstrings, state, forbidden texts.

A limit is never raised for one file; an exception is a line in EXCEPTIONS with its reason.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 350
TEST_FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
AUTHOR_SURFACE = tuple(
    f"src/babysitter/authoring/{name}.py" for name in ("context", "process", "task_options", "tasks")
)
PARAMETERS_MAX = 6
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "base", "core", "manager", "handler", "misc"}
CODE_FOLDERS = ("src", "tests", "tools", "examples", "benchmarks")
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("a file is read in one sitting", "src/babysitter/model/events.py"): (
        "the catalogue of events: one short class each, and a reader wants the whole list in one place"
    ),
}
"""(sentence, place) to reason. The sentence is the key of RULES below, the place as a failure prints it."""

Rule = Callable[[str, ast.Module, str], Iterator[str]]


def repository_files() -> list[Path]:
    """Return the files that are, or would be, in version control."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in sorted(filter(None, listed)) if (ROOT / name).is_file()]


def modules() -> list[Path]:
    return [
        file
        for file in repository_files()
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in CODE_FOLDERS
    ]


def broken(rule: str, place: str, source: str) -> list[str]:
    """Return where the source breaks the rule, exceptions left out."""
    found = RULES[rule](place, ast.parse(source), source)
    return [complaint for complaint in found if (rule, complaint.partition(" ")[0]) not in EXCEPTIONS]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def has_docstring(place: str, tree: ast.Module, source: str) -> Iterator[str]:
    if source.strip() and not ast.get_docstring(tree):
        yield f"{place} says nothing about its job"


def is_short(place: str, _: ast.Module, source: str) -> Iterator[str]:
    limit = TEST_FILE_LINES_MAX if place.startswith("tests/") else FILE_LINES_MAX
    count = source.count("\n")
    if count > limit:
        yield f"{place} has {count} lines, {limit} are allowed"


def has_short_functions(place: str, tree: ast.Module, _: str) -> Iterator[str]:
    for node in functions(tree):
        count = (node.end_lineno or node.lineno) - node.lineno + 1
        if count > FUNCTION_LINES_MAX:
            yield f"{place}:{node.name} has {count} lines, {FUNCTION_LINES_MAX} are allowed"


def is_author_surface(place: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether each keyword is one thing a person may say: a command's option, a word of an author."""
    named = place in AUTHOR_SURFACE
    return named or any("click." in ast.unparse(decorator) for decorator in node.decorator_list)


def has_few_parameters(place: str, tree: ast.Module, _: str) -> Iterator[str]:
    for node in functions(tree):
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        if not is_author_surface(place, node):
            count += len(node.args.kwonlyargs)
        if count > PARAMETERS_MAX and not place.startswith("tests/"):
            yield f"{place}:{node.name} has {count} parameters, {PARAMETERS_MAX} are allowed"


def has_a_telling_name(place: str, _: ast.Module, __: str) -> Iterator[str]:
    for part in Path(place).with_suffix("").parts:
        words = set(part.lower().split("_"))
        if words & (NAMES_THAT_SAY_NOTHING | {"util", "helper", "managers", "handlers"}):
            yield f"{place} is named for nothing in particular"


MUTABLE_MAKERS = re.compile(
    r"list|dict|set|bytearray|defaultdict|deque|Counter|OrderedDict|count|R?Lock|Event|Queue|SimpleNamespace"
    r"|Weak(Key|Value)Dictionary"
)
MUTATORS = re.compile(
    r"add|append(left)?|clear|discard|extend(left)?|insert|pop(left|item)?|remove|setdefault|update"
)


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        made = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return MUTABLE_MAKERS.fullmatch(made) is not None
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def module_names(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """Give each name that is bound at the top of the module, with its value."""
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign):
                yield target.id, node.value


def changed_name(node: ast.AST) -> str:
    """Return the name whose object the statement or call changes in place, or nothing."""
    inner: ast.AST | None = None
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        inner = node.value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and MUTATORS.fullmatch(node.func.attr)
    ):
        inner = node.func.value
    elif isinstance(node, ast.AugAssign):
        inner = node.target
    return inner.id if isinstance(inner, ast.Name) else ""


def has_no_state(place: str, tree: ast.Module, _: str) -> Iterator[str]:
    """A table written in capitals that nothing changes is data; everything else that can change is state."""
    mutable = {name for name, value in module_names(tree) if is_mutable(value)}
    for name in sorted(mutable):
        if name != name.upper() and name != "__all__":
            yield f"{place}:{name} can be changed by whoever imports it; write a constant in capitals"
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"{place}:{node.names[0]} is assigned with a global statement"
        elif changed_name(node) in mutable:
            yield f"{place}:{changed_name(node)} is changed in line {getattr(node, 'lineno', 0)}"


def does_not_sleep(place: str, tree: ast.Module, _: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            place.startswith("tests/")
            and isinstance(node, ast.Call)
            and ast.unparse(node.func) == "time.sleep"
        ):
            yield f"{place}:{node.lineno} sleeps, which guesses; wait on what it waits for"


RULES: dict[str, Rule] = {
    "a module opens with its job": has_docstring,
    "a file is read in one sitting": is_short,
    "a function fits a screen": has_short_functions,
    "a function takes few parameters": has_few_parameters,
    "a name says what is inside": has_a_telling_name,
    "a module keeps no state": has_no_state,
    "a test does not sleep": does_not_sleep,
}
BAD_EXAMPLES = {
    "a module opens with its job": ("src/x.py", "import os\n"),
    "a file is read in one sitting": ("src/x.py", "x = 1\n" * (FILE_LINES_MAX + 1)),
    "a function fits a screen": ("src/x.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    "a function takes few parameters": ("src/x.py", "def f(self, a, b, c, *, d, e, f, g): ...\n"),
    "a name says what is inside": ("src/http_utils.py", ""),
    "a module keeps no state": ("src/x.py", "CACHE = {}\ndef f():\n    CACHE[1] = 2\n"),
    "a test does not sleep": ("tests/test_x.py", "import time\ntime.sleep(1)\n"),
}
ONLY_SOURCES = ("a function takes few parameters", "a module keeps no state")


@pytest.mark.parametrize("rule", RULES)
def test_the_code_is_tidy(rule: str) -> None:
    complaints = []
    for file in modules():
        place = file.relative_to(ROOT).as_posix()
        if place.startswith("src/") or rule not in ONLY_SOURCES:
            complaints += broken(rule, place, file.read_text(encoding="utf-8"))

    assert complaints == [], f"{rule}:\n  " + "\n  ".join(complaints)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_fail(rule: str) -> None:
    place, source = BAD_EXAMPLES[rule]

    assert broken(rule, place, source) != []


@pytest.mark.parametrize(
    "source", ["A = {}\ndef f():\n    A.update(x=1)\n", "a = []\n", "def f():\n    global x\n    x = 1\n"]
)
def test_state_is_seen_in_each_form(source: str) -> None:
    assert broken("a module keeps no state", "src/x.py", source) != []


@pytest.mark.parametrize(
    "source", ["A = {1: 2}\nB = A[1]\n", "__all__ = ['x']\n", "def f():\n    a = []\n    a.append(1)\n"]
)
def test_data_is_not_taken_for_state(source: str) -> None:
    assert broken("a module keeps no state", "src/x.py", source) == []


def test_every_exception_is_still_needed() -> None:
    unused = []
    for rule, place in EXCEPTIONS:
        name = place.partition(":")[0]
        source = (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).is_file() else ""
        if not any(
            found.partition(" ")[0] == place for found in RULES[rule](name, ast.parse(source), source)
        ):
            unused.append((rule, place))

    assert unused == [], f"these exceptions can go: {unused}"


def test_the_tree_in_architecture_md_is_the_tree_of_the_sources() -> None:
    check = [sys.executable, str(ROOT / "tools" / "architecture_tree.py"), "--check"]

    ended = subprocess.run(check, check=False, capture_output=True, text=True)

    assert ended.returncode == 0, (
        f"ARCHITECTURE.md is stale; `make docs` writes it anew.\n{ended.stdout}{ended.stderr}"
    )


# Written in two halves, so that this file is not the one that holds them.
REGISTRY_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted",
    "registry.npm" + "js",
    "deb.debian" + ".org",
    "proxy.golang" + ".org",
)
MACHINE_PATHS = (r"(?<![\w.$-])/wo" + r"rk/", r"\.pye" + r"nv/")


def forbidden_texts() -> re.Pattern[str]:
    """Return what stands in no file and no commit: hosts of registries, paths of this very machine."""
    indexes = [
        value for name, value in os.environ.items() if re.search(r"INDEX_URL|REGISTRY$", name, re.IGNORECASE)
    ]
    hosts = {match[1] for value in indexes for match in re.finditer(r"://(?:[^/@\s]*@)?([^/:\s]+)", value)}
    # A home called /root is everybody's; one called after a person is this machine's.
    homes = [str(Path.home())] if len(Path.home().parts) > 2 else []
    literal = [*REGISTRY_HOSTS, *sorted(hosts - {"localhost", "127.0.0.1"}), str(ROOT), *homes]
    return re.compile("|".join([*map(re.escape, literal), *MACHINE_PATHS]))


def test_no_file_names_a_registry_or_a_path_of_this_machine() -> None:
    forbidden = forbidden_texts()

    found = []
    for file in repository_files():
        text = file.read_bytes().decode("utf-8", "replace")
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in forbidden.finditer(text)]

    assert found == [], (
        "A clone elsewhere must work, through whatever registry its user has:\n  " + "\n  ".join(found)
    )


def test_no_commit_message_names_a_registry_or_a_path_of_this_machine() -> None:
    log = subprocess.run(
        ["git", "-C", str(ROOT), "log", "--format=%h %B"], check=False, capture_output=True, text=True
    )

    assert sorted(set(forbidden_texts().findall(log.stdout))) == []


def test_the_locks_agree_and_every_pin_has_a_hash() -> None:
    pins: dict[str, dict[str, str]] = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert [line for line in lines if "--hash=sha256:" not in line] == []
        pins[name] = {line.partition("==")[0]: line.split()[0] for line in lines}

    differing = {
        name
        for name, pin in pins["requirements.txt"].items()
        if pins["requirements-dev.txt"].get(name) != pin
    }
    assert differing == set(), "run `make lock`: what is tested must be what is shipped"


def test_every_script_is_executable_and_parses() -> None:
    scripts = [file for file in repository_files() if file.read_bytes()[:2] == b"#!"]

    plain = [file.relative_to(ROOT).as_posix() for file in scripts if not os.access(file, os.X_OK)]
    shell = [file for file in scripts if re.match(rb"#!.*\b(sh|bash)\b", file.read_bytes())]
    wrong = [
        str(file)
        for file in shell
        if subprocess.run([shutil.which("bash") or "sh", "-n", str(file)], check=False).returncode
    ]

    assert (plain, wrong) == ([], [])
