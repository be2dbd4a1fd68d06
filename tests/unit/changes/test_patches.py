"""A patch is taken apart where git put it together, whatever its files hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.changes.patches import body, is_binary, new_lines, sections
from tests.unit.changes.places import changes_of, write

TRICKY = st.sampled_from(
    [
        *(
            "diff --git a/x b/x",
            "--- a/x",
            "+++ b/x",
            "@@ -1,1 +1,9 @@",
            "+",
            "-",
            " ",
            "\\ No newline at end of file",
        ),
        *("GIT binary patch", "```", "literal 5", "", "a", "b"),
    ]
)


@pytest.mark.needs("git")
def test_the_new_lines_of_each_file_are_those_that_it_has_and_had_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    @settings(max_examples=15, deadline=None)
    @given(
        st.lists(
            st.tuples(st.lists(TRICKY, max_size=12), st.lists(TRICKY, max_size=12)), min_size=1, max_size=12
        )
    )
    def check(files: list[tuple[list[str], list[str]]]) -> None:
        root = tmp_path_factory.mktemp("w")
        write(root, {f"f{number}": "\n".join(before) for number, (before, _) in enumerate(files)})
        began = changes_of(root).begin()
        write(root, {f"f{number}": "\n".join(after) for number, (_, after) in enumerate(files)})

        found = changes_of(root).compare("run", began).found

        parts = sections(found.patch)
        assert len(parts) == len(found.files)
        for file, part in zip(found.files, parts, strict=True):
            after = (root / file.path).read_text().split("\n")
            added = new_lines(part)
            assert len(added) == file.added
            kept = [line for number, line in enumerate(after, 1) if number not in added]
            before = files[int(file.path[1:])][0]
            assert is_within(kept, [*before, ""]), (kept, before)

    check()


def is_within(some: list[str], lines: list[str]) -> bool:
    """Tell whether the lines are among the others, in their order."""
    rest = iter(lines)
    return all(line in rest for line in some)


def test_a_binary_section_is_told_apart_and_has_no_lines(tmp_path: Path) -> None:
    write(tmp_path, {"a": b"\0\1"})
    began = changes_of(tmp_path).begin()
    write(tmp_path, {"a": b"\0\2"})

    (part,) = sections(changes_of(tmp_path).compare("run", began).found.patch)

    assert is_binary(part)
    assert body(part).startswith(b"GIT binary patch\n")
    assert new_lines(part) == frozenset()
