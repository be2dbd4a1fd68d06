"""The figures of docs/explanation/performance.md, measured: `make bench`, or `python -m benchmarks.run`.

The measured processes are trusted as a person's own are, in a place of the bench's own, which its children
inherit.
"""

import os
from pathlib import Path

os.environ["XDG_STATE_HOME"] = str(Path(__file__).resolve().parent / ".work" / "state")
os.environ.pop("CI", None)
