"""Files as text, for scanners of processes."""

import ast

from babysitter.scanners.python_names import Modules, read_module


def modules(**files: str) -> Modules:
    """Return files as scanners see them; ``pack__part`` stands for ``pack/part.py``."""
    named = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    return Modules({path: read_module(path, ast.parse(text), text) for path, text in named.items()}, ("",))
