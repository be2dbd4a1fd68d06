"""Code that hides from a reviewer: what runs all the same is found all the same."""

import pytest

from tests.unit.scanners.test_determinism import found, in_process

pytestmark = pytest.mark.promise("G07")
EVIL = "import os\ndef evil(*_): os.system('x')\n"


def rules(text: str) -> set[str]:
    return {rule for rule, _, _ in found(flow=text)}


@pytest.mark.parametrize(
    "text",
    [
        "import os\nif __name__ != '__main__':\n    os.system('x')",
        "import os\nif __name__ == '__main__' or True:\n    os.system('x')",
        "import os\nif '__main__' not in __name__:\n    os.system('x')",
        "import os\nif __name__ == '__main__':\n    pass\nelse:\n    os.system('x')",
        "import os\n__name__ = '__main__'\nif __name__ == '__main__':\n    os.system('x')",
        "import os\nglobals()['__name__'] = '__main__'\nif __name__ == '__main__':\n    os.system('x')",
        "import os\n(lambda: os.system('x'))()",
        "import os\ndef f(x: os.system('x')): pass",
        "import os\ndef f() -> os.system('x'): pass",
        f"{EVIL}@evil\ndef f(): pass",
        f"{EVIL}@evil\nclass A: pass",
        f"{EVIL}list(map(evil, [1]))",
        f"{EVIL}sorted([1], key=evil)",
        "import os\nclass M(type):\n    def __new__(*a): os.system('x')\nclass A(metaclass=M): pass",
        "import os\nclass B:\n    def __init_subclass__(cls): os.system('x')\nclass A(B): pass",
        f"{EVIL}evil()\ndef evil(): pass",
        "import os\nfor _ in [1]:\n    def evil(): os.system('x')\nevil()",
        "import os\ntry:\n    pass\nexcept OSError:\n    pass\nelse:\n    def evil(): os.system('x')\nevil()",
        "import os\ntry:\n    1 / 0\nexcept Exception:\n    def evil(): os.system('x')\nevil()",
        "import os\nmatch 1:\n    case 1:\n        def evil(): os.system('x')\nevil()",
        "__import__('os').system('x')",
        "import importlib\nimportlib.import_module('os').system('x')",
        "import os\ngetattr(os, 'system')('x')",
        "import os\no = os\no.system('x')",
    ],
)
def test_what_runs_while_a_file_is_loaded_is_found_however_it_is_written(text: str) -> None:
    assert "programs" in rules(text)


@pytest.mark.parametrize(
    ("line", "imports"),
    [
        ("o.system('x')", "import os; o = os"),
        ("run(['x'])", "import subprocess; run = subprocess.run"),
        ("__import__('os').system('x')", "pass"),
        ("getattr(os, 'system')('x')", "import os"),
    ],
)
def test_another_name_for_a_module_hides_nothing_in_process_code(line: str, imports: str) -> None:
    assert ("programs", "flow.py", 4) in in_process(line, imports)


def test_taking_every_name_of_a_module_is_a_fault_since_no_name_can_be_read_after_it() -> None:
    assert ("star-import", "flow.py", 1) in found(flow="from os import *\nsystem('x')\n")


@pytest.mark.parametrize(
    "text",
    [
        "import os\nif __name__ == '__main__':\n    os.system('x')",
        "import os\nif '__main__' == __name__:\n    os.system('x')",
        "import subprocess\ndef f(p: subprocess.Popen) -> None: pass",
        "import os\ndef evil(): os.system('x')\nNAMES = {'evil': evil}",
        "def f(): return 1\nf()\ndef f(): return 2",
    ],
)
def test_what_does_not_run_then_is_no_fault(text: str) -> None:
    assert "programs" not in rules(text)


def test_two_names_for_each_other_have_an_end() -> None:
    assert found(flow="a = b\nb = a\na.system()\n") == []
