"""Documents, code and imported records as pages, and what of a workspace is never shown."""

import os
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from babysitter.config import load_place
from babysitter.model.detections import print_of
from babysitter.model.errors import DetectionError, NotFoundError, SettingsError, UsageError
from babysitter.secrets.detection.marks import Sealer
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.atlas.documents import title_of
from babysitter.service.atlas.files import FILE_BYTES_MAX
from babysitter.service.atlas.shipped import shipped_graph
from babysitter.service.credential_scanning import scan_text
from babysitter.service.detecting import masking_key
from babysitter.service.wiring import Workspace
from babysitter.testing.memory_store import MemoryStore
from tests.unit.secrets.detection.tokens import made
from tests.unit.service.atlas.pages import FOREIGN, every_page, folder, foreign_records

TOKEN = made("ghp" + "_{62:30}{crc62}", random.Random(29))
PROCESS = """\
from babysitter import Context, process, task

@task(id="ship-it")
def ship(where: str) -> str:
    \"\"\"Send it.\"\"\"
    return where

@process
async def release(ctx: Context) -> str:
    \"\"\"Release what was built.\"\"\"
    return await ctx.task(ship, "there")
"""
FILES: dict[str, str | bytes] = {
    "README.md": "# Shop\n\n[The plan](docs/plan.md#first), [docs](docs/), [code](flows/release.py).\n",
    "docs/plan.md": (
        "```\n# no heading\n[no](deep/er.md)\n```\n# The `plan`\n\n[out](../../x.md) [home](../README.md)"
    ),
    "docs/deep/er.md": "# Deeper\n",
    "flows/release.py": PROCESS,
    "flows/broken.py": "@process\ndef (",
    "notes.txt": "no page",
}
IMPORTING = '[atlas]\npages = ["atlas/**/*.json"]\n'


def leads(atlas: Atlas, page_id: str) -> set[tuple[str, str]]:
    return {(edge.kind, edge.to) for edge in atlas.get(page_id).outgoing_edges}


@pytest.mark.promise("G29")
def test_documents_are_pages_with_folders_and_links(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, FILES))

    assert [hit.id for hit in atlas.search("", kind="Document")] == [
        "document:docs",
        "document:docs-deep",
        "document:README",
        "document:docs-deep-er",
        "document:docs-plan",
    ]
    assert leads(atlas, "document:README") == {
        ("links_to", "document:docs-plan"),
        ("links_to", "document:docs"),
        ("documents", "process:flows/release.py:release"),
    }
    assert leads(atlas, "document:docs-plan") == {("links_to", "document:README")}
    page = atlas.get("document:docs-plan")
    assert page.attributes["title"] == "The plan"
    assert page.attributes["article"] == FILES["docs/plan.md"]
    assert page.attributes["slug"] == "docs/plan"
    assert [crumb.id for crumb in atlas.breadcrumb("document:docs-deep-er")[2:]] == [
        "document:docs",
        "document:docs-deep",
        "document:docs-deep-er",
    ]


def test_the_record_of_a_document_has_the_attributes_of_the_pages_of_other_atlases(tmp_path: Path) -> None:
    page = Atlas(folder(tmp_path, FILES)).get("document:docs-plan")

    foreign = Atlas(folder(tmp_path, {"babysitter.toml": IMPORTING, "atlas/a.json": FOREIGN}))
    assert list(page.attributes) == list(foreign.get("page:guide-keys").attributes)


@pytest.mark.promise("G29")
def test_a_process_is_a_page_without_being_run(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, {**FILES, "flows/release.py": PROCESS + "\nraise SystemExit(3)\n"}))

    page = atlas.get("process:flows/release.py:release")

    assert page.attributes["about"] == "Release what was built."
    assert list(page.attributes["files"]) == ["flows/release.py"]
    assert leads(atlas, page.id) == {("has_task", "task:ship-it")}
    assert {(edge.kind, edge.from_) for edge in page.incoming_edges} == {("documents", "document:README")}
    task = atlas.get("task:ship-it")
    assert [edge.from_ for edge in task.incoming_edges] == [page.id]
    assert task.attributes["definitions"][0]["about"] == "Send it."


def test_what_has_changed_on_disk_is_shown_as_it_is_now(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, FILES))
    before = atlas.get("process:flows/release.py:release").attributes["digest"]

    folder(tmp_path, {"flows/release.py": PROCESS + "\nx = 1\n", "README.md": "# Other\n"})

    assert atlas.get("process:flows/release.py:release").attributes["digest"] != before
    assert atlas.get("document:README").attributes["title"] == "Other"
    (tmp_path / "README.md").unlink()
    with pytest.raises(NotFoundError):
        atlas.get("document:README")


def test_two_documents_whose_names_make_one_id_are_two_pages(tmp_path: Path) -> None:
    atlas = Atlas(
        folder(tmp_path, {"docs/a/b.md": "# One", "docs/a-b.md": "# Two", "docs/A b.md": "# Three"})
    )

    titles = {atlas.get(hit.id).title for hit in atlas.search("", kind="Document") if "b" in hit.id}

    assert titles == {"One", "Two", "Three"}


def test_a_credential_in_a_document_or_in_code_is_never_shown_nor_found(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "README.md": f"# Token {TOKEN}\n\nUse {TOKEN}.\n",
        "a.py": PROCESS.replace("Release what was built.", f"Use {TOKEN}."),
        f"docs/{TOKEN}.md": "# named like one",
        "babysitter.toml": IMPORTING,
        "atlas/a.json": FOREIGN.replace(b"# Keys", f"# Keys\\nA token: {TOKEN}\\n".encode()),
    }
    atlas = Atlas(folder(tmp_path, files))

    shown = b"".join(atlas.page_json(page.id) for page in every_page(atlas))

    assert TOKEN.encode() not in shown
    assert b"[masked:github-pat:" in atlas.page_json("document:README")
    assert b"[masked:github-pat:" in atlas.page_json("process:a.py:release")
    assert b"[masked:github-pat:" in atlas.page_json("page:guide-keys")
    assert atlas.search(TOKEN) == []
    assert TOKEN not in str(atlas.notes())
    assert atlas.notes() == ("A document is left out: its name looks like a credential.",)


def test_detection_switched_off_for_run_data_is_not_switched_off_for_documents(tmp_path: Path) -> None:
    settings = "[secrets]\ndetect = false\n"
    atlas = Atlas(folder(tmp_path, {"README.md": f"Use {TOKEN}.", "babysitter.toml": settings}))

    assert TOKEN not in atlas.page_json("document:README").decode()


def test_what_is_masked_once_stays_as_it_is_and_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    place = folder(tmp_path, {"README.md": f"api_key = {TOKEN}\n"})
    once = str(Atlas(place).get("document:README").attributes["article"])

    folder(tmp_path, {"README.md": once})

    assert "[masked:github-pat:00000000]" in once
    assert Atlas(place).get("document:README").attributes["article"] == once
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_mark_has_the_digest_of_the_workspace_s_key_once_there_is_one(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, {"README.md": f"Use {TOKEN}."}))
    (tmp_path / ".a5c").mkdir()
    sealer = Sealer(lambda: masking_key(tmp_path / ".a5c" / "keys"))
    digest = sealer.hmac8(TOKEN.encode())

    assert f"[masked:github-pat:{digest}]" in atlas.page_json("document:README").decode()


@pytest.mark.parametrize("by", ["print", "fingerprint"])
def test_what_the_settings_allow_is_shown(tmp_path: Path, by: str) -> None:
    place = folder(tmp_path, {"README.md": f"Use {TOKEN}."})
    atlas = Atlas(place)
    sealer = Sealer(lambda: masking_key(tmp_path / ".a5c" / "keys"))
    told = print_of("github-pat", TOKEN.encode())
    if by == "fingerprint":
        told = sealer.fingerprint("github-pat", TOKEN.encode())
    assert TOKEN not in atlas.page_json("document:README").decode()

    folder(tmp_path, {"babysitter.toml": f'[secrets]\nallow = ["{told}"]\n'})

    assert TOKEN in atlas.page_json("document:README").decode()


def test_where_the_search_for_credentials_fails_nothing_is_shown(tmp_path: Path) -> None:
    """The key that tells what is allowed can't be read."""
    settings = f'[secrets]\nallow = ["{"0" * 32}"]\n'
    atlas = Atlas(folder(tmp_path, {"README.md": f"Use {TOKEN}.", "babysitter.toml": settings}))
    keys = tmp_path / ".a5c" / "keys"
    keys.mkdir(parents=True)
    (keys / "masking.key").write_bytes(b"short")

    for ask in (lambda: atlas.get("document:README"), lambda: atlas.search("x", kind="Document")):
        with pytest.raises(DetectionError):
            ask()


@pytest.mark.parametrize("link", ["docs/env.md", "docs/sub", "README.md", "docs/a"])
def test_a_link_is_not_followed(tmp_path: Path, link: str) -> None:
    """A task that may write below docs/ could otherwise have anything shown."""
    files: dict[str, str | bytes] = {"hidden/env.md": "LOGIN=hunter2hunter2", "docs/x.md": "# X"}
    files["babysitter.toml"] = '[atlas]\ndocuments = ["*.md", "docs/*.md", "docs/*/*.md"]\n'
    atlas = Atlas(folder(tmp_path, files))
    (tmp_path / link).symlink_to(tmp_path / "hidden" / ("env.md" if link.endswith(".md") else ""))

    shown = b"".join(atlas.page_json(hit.id) for hit in atlas.search("", kind="Document"))

    assert b"hunter2" not in shown
    assert b"# X" in shown


def test_names_that_can_not_be_shown_and_links_are_counted_and_not_named(tmp_path: Path) -> None:
    """A page without them looked whole. Neither is named: a name may hold a credential."""
    atlas = Atlas(folder(tmp_path, {"docs/a.md": "# A"}))
    for name in (b"b\nc.md", b"d\x1b[31m.md", b"e\xff.md"):
        Path(os.fsdecode(os.fsencode(tmp_path / "docs") + b"/" + name)).write_text("# X", encoding="utf-8")
    (tmp_path / "docs" / "f.md").symlink_to(tmp_path / "docs" / "a.md")

    assert [hit.id for hit in atlas.search("", kind="Document")] == ["document:docs", "document:docs-a"]
    assert atlas.notes() == (
        "Left out, as their names can't be printed: 3.",
        "Left out, as they are links or no files at all: 1.",
    )


def test_what_is_too_large_is_left_out_and_told(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, {"README.md": b"x" * (FILE_BYTES_MAX + 1), "docs/a.md": "# A"}))

    assert [hit.id for hit in atlas.search("", kind="Document")] == ["document:docs", "document:docs-a"]
    assert atlas.notes() == (f"README.md is left out: it has more than {FILE_BYTES_MAX} bytes.",)


@pytest.mark.promise("G29")
@pytest.mark.parametrize("record", foreign_records())
def test_an_imported_record_is_given_back_byte_for_byte(tmp_path: Path, record: bytes) -> None:
    atlas = Atlas(folder(tmp_path, {"babysitter.toml": IMPORTING, "atlas/deep/page.json": record}))
    [page_id] = [hit.id for hit in atlas.search("", limit=500) if hit.cluster == "wiki"]

    assert atlas.page_json(page_id) == record
    assert atlas.get(page_id).id == page_id
    [above] = atlas.get(page_id).incoming_edges
    assert [(each.edge, each.id) for each in atlas.neighbors(page_id)] == [("contains_page", above.from_)]
    assert [crumb.id for crumb in atlas.breadcrumb(page_id)] == ["", "", above.from_, page_id]


def test_a_record_that_is_written_otherwise_is_given_back_as_it_is_too(tmp_path: Path) -> None:
    record = b'{"_cluster":"x","_file":"","_kind":"Odd","id":"odd","attributes":{"a":1.0},"more":true}\n\n'
    atlas = Atlas(folder(tmp_path, {"babysitter.toml": IMPORTING, "atlas/a.json": record}))

    assert atlas.page_json("odd") == record
    assert atlas.get("odd").title == "odd"
    assert [hit.id for hit in atlas.search("", kind="Odd")] == ["odd"]
    assert atlas.breadcrumb("odd")[1].title == "Odd"
    assert atlas.kinds()[-1].kind == "Odd"


def test_half_a_character_in_a_record_stays_in_its_bytes_and_nowhere_else(tmp_path: Path) -> None:
    record = FOREIGN.replace(b'"title": "Keys"', rb'"title": "Keys \\udead \ud83d"')
    atlas = Atlas(folder(tmp_path, {"babysitter.toml": IMPORTING, "atlas/a.json": record}))

    [hit] = atlas.search("Keys", kind="Page", limit=1)

    assert atlas.page_json("page:guide-keys") == record
    assert hit.title == "Keys \\udead \N{REPLACEMENT CHARACTER}"


def test_a_file_that_is_no_record_is_left_out_and_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "babysitter.toml": IMPORTING,
        "atlas/a.json": FOREIGN,
        "atlas/b.json": FOREIGN,
        "atlas/c.json": b"{}",
        "atlas/d.json": FOREIGN.replace(b"page:guide-keys", b"", 1),
        "atlas/e.json": FOREIGN.replace(b"[]", b"[" * 800 + b"]" * 800, 1).replace(b"guide-keys", b"deep"),
    }
    notes = Atlas(folder(tmp_path, files)).notes()

    assert [note.split(" is left out: ")[0] for note in notes] == [
        "atlas/b.json",
        "atlas/c.json",
        "atlas/d.json",
        "atlas/e.json",
    ]
    assert "atlas/a.json has a record of the same id, page:guide-keys" in notes[0]


@pytest.mark.parametrize("page_id", ["run:r", "breakpoint:r/1-go", "person:x", "document:README"])
def test_a_record_can_t_pass_itself_off_as_what_only_we_read(tmp_path: Path, page_id: str) -> None:
    record = FOREIGN.replace(b'"page:guide-keys",\n "_kind"', f'"{page_id}",\n "_kind"'.encode())
    files: dict[str, str | bytes] = {
        "babysitter.toml": IMPORTING,
        "atlas/a.json": record,
        "README.md": "# Ours",
    }
    atlas = Atlas(folder(tmp_path, files))

    assert "is of a kind that only we read" in atlas.notes()[0]
    assert "Keys" not in {hit.title for hit in atlas.search("Keys", limit=500)}


@pytest.mark.parametrize("pattern", ["../*.md", "/etc/*.md", "", "docs/../../x"])
def test_a_pattern_that_leaves_the_workspace_is_refused(tmp_path: Path, pattern: str) -> None:
    place = load_place(tmp_path)
    settings = replace(place.settings, atlas=replace(place.settings.atlas, documents=(pattern,)))
    workspace = Workspace(replace(place, settings=settings), store=MemoryStore())

    with pytest.raises(SettingsError, match="leaves the workspace"):
        Atlas(workspace).search("x")


@pytest.mark.promise("G29")
def test_our_own_documentation_is_in_it_and_every_link_in_it_is_an_edge(tmp_path: Path) -> None:
    atlas = Atlas(folder(tmp_path, {}))

    page = atlas.get("page:docs-reference-commands")

    root = Path(__file__).resolve().parents[4]
    assert page.attributes["article"] == (root / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert (page.kind, page.cluster, page.file) == (
        "Page",
        "babysitter",
        "babysitter/docs/reference/commands.md",
    )
    assert ("links_to", "page:docs-reference-settings") in leads(atlas, page.id)
    shipped = {node.attributes["sourcePath"] for node in shipped_graph().nodes.values()}
    ours = {
        path.relative_to(root).as_posix() for path in (*root.glob("*.md"), *(root / "docs").rglob("*.md"))
    }
    assert ours <= shipped


def test_our_own_documentation_holds_nothing_that_looks_like_a_credential() -> None:
    """It is shown as it is: nobody masks it."""
    texts = {node.id: str(node.attributes["article"]) for node in shipped_graph().nodes.values()}

    assert [found for name, text in texts.items() for found in scan_text(name, text)] == []


@pytest.mark.parametrize(
    ("text", "title"),
    [("# A `b` *c* [d](e.md)\n", "A b c d"), ("no\n\n## Two ##\n", "Two"), ("none", ""), ("#no", "")],
)
def test_the_title_is_the_first_heading_without_marks(text: str, title: str) -> None:
    assert title_of(text) == title


def test_what_is_called_so_is_found_before_what_speaks_of_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "docs/a.md": "# A\nOn keys.",
        "docs/keys.md": "# Keys",
        "docs/k.md": "# Old keys",
    }
    atlas = Atlas(folder(tmp_path, files))

    hits = atlas.search("KEYS", kind="Document")

    assert [hit.id for hit in hits] == ["document:docs-keys", "document:docs-k", "document:docs-a"]
    assert hits[2].excerpt == "On keys."
    assert atlas.search("keys old", kind="Document") == [hits[1]]
    assert atlas.search("keys", kind="Document", limit=1, offset=1) == [hits[1]]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 501}, {"offset": -1}, {"kind": "Nothing"}])
def test_a_search_that_asks_for_too_much_or_an_unknown_kind_is_refused(
    tmp_path: Path, wrong: dict[str, int]
) -> None:
    with pytest.raises(UsageError):
        Atlas(folder(tmp_path, {})).search("x", **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Atlas(folder(tmp_path, {})).search("x" * 401)
