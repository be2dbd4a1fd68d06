"""The Atlas in a browser: a page for everything, its record byte for byte, and no text that acts."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from httpx2 import Response
from msgspec.structs import replace

from babysitter.server.pages.atlas import RECORD_BYTES_MAX, ROUTES
from babysitter.server.pages.atlas_article import RENDERED_CHARS_MAX
from babysitter.server.pages.atlas_words import FACT_CHARS_MAX, GROUP_MAX
from babysitter.service.atlas.atlas import Atlas
from babysitter.service.hosting.atlases import HITS_MAX
from babysitter.service.runs import RunService
from babysitter.testing.memory_store import MemoryStore
from tests.unit.server.atlas_served import HOSTILE, foreign, served
from tests.unit.server.served import Server
from tests.unit.service.atlas.pages import every_page, foreign_records

ODD_IDS = ("page:../../runs", "page:a/./b", "page:x.json", "page:?q=%2e#y", "page://z", "ü ~41", "%00", "..")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    records = [*foreign_records(), *(foreign(id_) for id_ in ODD_IDS)]
    documents = {"README": "# Read me\n\n[Plan](plan.md)", "plan": "# Plan"}
    return served(tmp_path_factory.mktemp("atlas"), records, documents)


def look(server: Server, path: str, role: str = "viewer") -> Response:
    return server.client(role).get(path, headers={"accept": "text/html"})


def shown_record(page: Response) -> bytes:
    """Return the record that a page shows, as a browser reads it."""
    [text] = re.findall(r'<pre id="record"[^>]*>\n(.*?)</pre>', page.text, re.DOTALL)
    assert "\r" not in text, "a browser would read another line break"
    return unescape(text.replace("&#13;", "\r")).encode()


def links(page: Response) -> list[str]:
    return [unescape(href) for href in re.findall(r'<a (?:class="button" )?href="([^"]*)"', page.text)]


@pytest.mark.promise("G29")
def test_every_page_of_the_atlas_opens_and_shows_the_record_that_it_is_made_from(server: Server) -> None:
    atlas = Atlas(server.place)
    kinds = set()

    for page in every_page(atlas):
        kinds.add(page.kind)
        record = atlas.page_json(page.id)
        shown = look(server, f"/atlas?id={quote(page.id)}")
        [address] = re.findall(r'href="([^"]*)">The same alone', shown.text)
        alone = server.client("viewer").get(unescape(address))

        assert (shown.status_code, alone.status_code) == (200, 200), page.id
        assert alone.content == record
        assert alone.headers["content-type"] == "application/json"
        assert alone.headers["x-content-type-options"] == "nosniff"
        assert shown_record(shown) == record, page.id
    assert {"Page", "Document", "Process", "Task", "Run", "Breakpoint", "Person"} <= kinds


@pytest.mark.promise("G29")
def test_a_record_of_another_atlas_is_given_back_byte_for_byte(server: Server) -> None:
    for record in foreign_records():
        id_ = json.loads(record)["id"]

        assert server.client("viewer").get(f"/atlas/{id_}.json").content == record
        assert shown_record(look(server, f"/atlas/{id_}")) == record


@pytest.mark.promise("G29")
def test_a_run_leads_to_its_question_and_both_to_the_pages_where_they_are_worked_with(server: Server) -> None:
    run = look(server, "/atlas/run:r")
    question = look(server, "/atlas/breakpoint:r/1-go")

    assert {"/runs/r", "/atlas/breakpoint:r/1-go", "/atlas/process:processes.py:asking"} <= {*no_query(run)}
    assert {"/inbox/r/1-go", "/runs/r", "/atlas/run:r", "/atlas"} <= {*no_query(question)}
    assert "a run asked people" in run.text


def no_query(page: Response) -> list[str]:
    return [link.partition("?")[0] for link in links(page)]


def test_links_of_an_article_lead_to_the_pages_that_the_edges_name_and_nowhere_else(tmp_path: Path) -> None:
    text = (
        "# A <b>title</b>\n\n## Twice\n\n## Twice\n\n[own](#twice-1) [other](b.md#Some-Part) [none](c.md) "
        "[out](https://example.com/x) [up](../../etc) [root](/sign-out) [slashes](//evil.example) "
        "[js](javascript:ran()) [data](data:text/html,x) [code](processes.py)"
    )
    server = served(tmp_path, [], {"a": text, "b": "# B"})

    page = look(server, "/atlas/document:a").text
    article = page[page.index("card article") : page.index('id="facts"')]

    anchors = re.findall(r'<a(?: href="([^"]*)")?[^>]*>(\w+)</a>', article)
    led = {name: href for href, name in anchors if href}
    assert led.keys() == {"own", "other", "out", "code"}
    assert led["own"] == "#article-twice-1"
    assert led["other"] == "/atlas/document:b#article-some-part"
    assert led["out"] == "https://example.com/x"
    assert led["code"].startswith("/atlas/process:processes.py:")
    assert 'id="article-twice"' in article
    assert 'id="article-twice-1"' in article


@pytest.mark.promise("G29")
def test_no_text_of_a_record_becomes_part_of_the_page(tmp_path: Path) -> None:
    hostile = foreign("page:h", article=f"{HOSTILE}\n\n[x](javascript:ran())\n\n<style>*{{}}</style>")
    server = served(tmp_path, [hostile], {"bad": f"# {HOSTILE}\n\n{HOSTILE}"})

    pages = ("/atlas/page:h", "/atlas/document:bad", "/atlas")
    for path in (*pages, "/atlas?q=script", f"/atlas?q={quote(HOSTILE)}"):
        text = look(server, path).text
        tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z][\w-]*)", text)}
        assert "img" not in tags
        assert "style" not in tags
        assert len(re.findall("<script", text)) == len(re.findall(r'<script src="/static/', text))
        assert "javascript:ran" not in "".join(re.findall(r"<a [^>]*>", text))


def test_a_long_article_is_shown_as_text_and_a_large_record_by_its_address(tmp_path: Path) -> None:
    server = served(tmp_path, [foreign("page:long", article="**x** <i> " * 60_000)])

    page = look(server, "/atlas/page:long").text

    assert "**x** &lt;i&gt;" in page
    assert "too large to stand here" in page
    assert 'data-url="/atlas/page:long.json?workspace' not in page
    assert len(page) < 1_000_000


def test_an_article_that_is_no_text_is_an_attribute(tmp_path: Path) -> None:
    server = served(tmp_path, [foreign("page:n", article={"no": "text"})])

    assert "&#34;no&#34;: &#34;text&#34;" in look(server, "/atlas/page:n").text


def test_more_edges_than_stand_on_a_page_are_paged_and_none_is_left_out(tmp_path: Path) -> None:
    count = 2 * GROUP_MAX + 7
    record = json.loads(foreign("page:hub"))
    record["outgoingEdges"] = [{"from": "page:hub", "to": f"page:n{n}", "kind": "x"} for n in range(count)]
    server = served(tmp_path, [json.dumps(record).encode()])

    path, seen = "/atlas/page:hub", []
    for _ in range(count // GROUP_MAX + 1):
        page = look(server, path)
        found = re.findall(r'<a href="(/atlas/page:n\d+)">', page.text)
        assert len(found) <= GROUP_MAX
        seen += found
        path = unescape(next(iter(re.findall(r'href="([^"]*)">Those after', page.text)), ""))

    assert path == ""
    assert seen == [f"/atlas/page:n{n}" for n in range(count)]
    assert look(server, "/atlas/page:hub?edge=x&direction=out&offset=-1").status_code == 400
    assert look(server, "/atlas/page:hub?edge=x&direction=out&offset=x").status_code == 400


def test_a_list_is_paged_and_has_every_page_of_its_kind(tmp_path: Path) -> None:
    count = HITS_MAX + 3
    server = served(tmp_path, [], {f"d{n:03}": f"# D {n}" for n in range(count)})

    first = look(server, "/atlas?kind=Document")
    [after] = re.findall(r'href="([^"]*)">Those after', first.text)
    second = look(server, unescape(after))

    every = [*links(first), *links(second)]
    on_both = [link for link in every if link.startswith("/atlas/document:")]
    assert on_both == [f"/atlas/document:d{n:03}" for n in range(count)]
    assert "Those after" not in second.text
    assert look(server, "/atlas?kind=Nothing").status_code == 400
    assert look(server, f"/atlas?q={'x' * 401}").status_code == 400


@pytest.mark.parametrize(
    "id_",
    ["", "nope", "run:none", "run:../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%00%00", "run:%00", "%ff%fe",
     "x" * 5000, "run:" + "a" * 5000, "document:%2e%2e", "effect:r", "breakpoint:r/9", "person:nobody@x",
     "page:%0d%0aSet-Cookie:x", "finding:r/~FF/x", "run:r~0", "%F0%9F%94%91", "a/" * 500],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["", ".json"])
def test_an_id_that_names_nothing_is_a_page_that_says_so(server: Server, id_: str, ending: str) -> None:
    reply = look(server, f"/atlas/{id_}{ending}")

    assert reply.status_code == 404
    assert "Nothing here" in reply.text
    assert "set-cookie" not in reply.headers


def test_names_that_have_no_form_in_utf_8_are_shown_all_the_same(tmp_path: Path) -> None:
    """The name of a file that is no UTF-8, in the id at the other end of an edge."""
    record = foreign("page:odd").replace(b'"to": ""', b'"to": "process:caf~E9.py:p"')
    server = served(tmp_path, [record])

    reply = look(server, "/atlas/page:odd")

    assert reply.status_code == 200
    assert "caf\\udce9.py" in reply.text


def test_another_workspace_is_looked_at_by_name_and_only_by_those_who_know_it(server: Server) -> None:
    assert look(server, "/atlas/run:r?workspace=here").status_code == 200
    assert look(server, "/atlas/run:r?workspace=elsewhere").status_code == 404
    assert look(server, "/atlas/run:r.json?workspace=elsewhere").status_code == 404
    assert look(server, "/atlas/run:r", "viewer-elsewhere").status_code == 404
    assert look(server, "/atlas?workspace=elsewhere", "viewer-elsewhere").status_code == 200


def test_whoever_knows_of_two_workspaces_stays_in_the_one_that_they_look_at(tmp_path: Path) -> None:
    server = served(tmp_path, [])
    here, there = server.door.callers["viewer"], server.door.callers["viewer-elsewhere"]
    server.door.callers["both"] = replace(here, roles={**here.roles, **there.roles})
    RunService(server.other).start("processes.py#asking", None, run_id="other")

    assert "/atlas?workspace=elsewhere" in links(look(server, "/atlas", "both"))
    page = look(server, "/atlas/breakpoint:other/1-go?workspace=elsewhere", "both")
    away = [link for link in links(page) if "/atlas" in link or "/inbox/" in link or "/runs/" in link]
    assert len(away) > 3
    assert all(link.endswith("workspace=elsewhere") for link in away if link != "/atlas")


def test_the_reference_page_has_the_limits_and_the_addresses_of_the_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "atlas.md").read_text(encoding="utf-8")
    told = text.split("## In a browser", 1)[1].split("\n## ", 1)[0]

    assert f"{HITS_MAX} pages at once" in told
    assert f"{GROUP_MAX} are shown at once" in told
    assert f"{FACT_CHARS_MAX:,}th character" in told
    assert f"more than {RENDERED_CHARS_MAX:,} is shown as plain text" in told
    assert f"more than {RECORD_BYTES_MAX // 1024} KiB" in told
    paths = {route.path.replace("{id:path}", "<id>") for route in ROUTES}
    assert paths == {found.partition("?")[0] for found in re.findall(r"`(/atlas[^`]*)`", told)}


def test_a_server_keeps_one_atlas_of_a_workspace(server: Server) -> None:
    look(server, "/atlas/run:r")
    here, there = server.hosting.all.values()

    assert here.atlas is here.atlas
    assert here.atlas is not there.atlas


def test_an_agent_does_not_look(server: Server) -> None:
    assert look(server, "/atlas", "agent").status_code == 403
    assert look(server, "/atlas/run:r.json", "agent").status_code == 403


def test_a_journal_that_does_not_verify_is_refused(tmp_path: Path) -> None:
    server = served(tmp_path, [])
    assert isinstance(server.place.store, MemoryStore)
    files = server.place.store.runs["r"].files
    files["journal/journal.jsonl"] = files["journal/journal.jsonl"].replace(b"alice", b"mallo")

    reply = look(server, "/atlas/run:r")

    assert reply.status_code == 500
    assert "could not be done" in reply.text
    assert "mallo" not in reply.text
