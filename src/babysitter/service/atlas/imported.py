"""Records of other atlases: read from files of the workspace, and given back byte for byte.

Only a record that holds what looks like a credential is given otherwise: masked, in the form of records.py.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from babysitter.service.atlas.ids import ID_CHARS_MAX
from babysitter.service.atlas.records import Page, as_json, read_page
from babysitter.service.atlas.screen import Screening
from babysitter.service.atlas.vocabulary import KINDS

_OURS = frozenset(each.prefix for each in KINDS) - {"page"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A record. data: its JSON, as the file has it, or masked. path: of the file."""

    page: Page
    data: bytes
    path: str


@dataclass(slots=True)
class ImportedPages:
    """Records by id, and what was left out, a sentence each."""

    pages: dict[str, Imported] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_imported(files: Iterable[tuple[str, bytes]], screening: Screening) -> ImportedPages:
    """Return the records in files; of two with one id the first, by path."""
    found = ImportedPages()
    for path, content in files:
        try:
            page, data = _screened(content, screening)
        except ValueError as error:
            found.notes.append(f"{path} is left out: it is no record of a page: {error}.")
            continue
        if not 0 < len(page.id) <= ID_CHARS_MAX or not page.id.isprintable():
            found.notes.append(f"{path} is left out: its id is empty, too long or not to be printed.")
        elif page.id.partition(":")[0] in _OURS:
            # Or a file could pass itself off as a run, or as a question to people.
            found.notes.append(f"{path} is left out: its id, {page.id}, is of a kind that only we read.")
        elif page.id in found.pages:
            first = found.pages[page.id].path
            found.notes.append(f"{path} is left out: {first} has a record of the same id, {page.id}.")
        else:
            found.pages[page.id] = Imported(page=page, data=data, path=path)
    return found


def _screened(content: bytes, screening: Screening) -> tuple[Page, bytes]:
    """Return a file's record and its bytes.

    Raises:
        ValueError: it is no record.
    """
    page = read_page(content)
    whole = json.loads(content)
    try:
        masked = screening.value(whole)
    except RecursionError:
        raise ValueError("it is nested deeper than any record") from None
    if masked != whole:
        page, content = msgspec.convert(masked, Page), as_json(masked)
    try:
        msgspec.json.encode(page)
    except UnicodeEncodeError:
        # Half a pair of surrogates: programs that cut texts leave such. It stays in the bytes alone.
        page = msgspec.convert(_with_whole_characters(masked), Page)
    return page, content


def _with_whole_characters(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_with_whole_characters(name): _with_whole_characters(each) for name, each in value.items()}
    return [_with_whole_characters(each) for each in value] if isinstance(value, list) else value
