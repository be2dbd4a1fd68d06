"""Addresses of pages of the Atlas, and of what else shows the same thing."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from babysitter.service.atlas.ids import name_in, prefix_of

_AS_THEY_ARE = "/:@!,=+~"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes addresses. workspace: is named in each; empty where the visitor knows of one alone."""

    workspace: str = ""

    def page(self, id_: str, **more: str) -> str:
        """Return the address of a page; empty when an id is empty, as one of another atlas may be."""
        return self._of(id_, "", more)

    def record(self, id_: str) -> str:
        """Return the address of a page's JSON."""
        return self._of(id_, ".json", {})

    def list(self, **more: str) -> str:
        """Return the address of the Atlas itself, or of what is found in it."""
        return self._with("/atlas", more)

    def elsewhere(self, id_: str) -> tuple[tuple[str, str], ...]:
        """Return the pages elsewhere that show the same thing: what each is called, and its address."""
        prefix, parts = prefix_of(id_), name_in(id_).split("/")
        if prefix == "run":
            return (("The run, as it goes on", self._with(f"/runs/{_quoted(parts[0])}", {})),)
        if prefix == "breakpoint" and len(parts) > 1:
            question = f"/inbox/{_quoted(parts[0])}/{_quoted('/'.join(parts[1:]))}"
            return (
                ("The question, as it is asked", self._with(question, {})),
                *self.elsewhere(f"run:{parts[0]}"),
            )
        if prefix in ("effect", "finding"):
            return self.elsewhere(f"run:{parts[0]}")
        return ()

    def _of(self, id_: str, ending: str, more: dict[str, str]) -> str:
        if not id_:
            return ""
        if stands_in_an_address(id_):
            return self._with(f"/atlas/{quote(id_, safe=_AS_THEY_ARE)}{ending}", more)
        return self._with(f"/atlas{ending}", {"id": id_, **more})

    def _with(self, path: str, query: dict[str, str]) -> str:
        where = {"workspace": self.workspace} if self.workspace else {}
        asked = {name: value for name, value in {**query, **where}.items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path


def stands_in_an_address(id_: str) -> bool:
    """Tell whether a browser leaves an id as it is: ours, yes; others may have ``..`` in them."""
    # What stands between may read a percent sign once more than we do.
    return not id_.endswith(".json") and "%" not in id_ and not {"", ".", ".."} & set(id_.split("/"))


def _quoted(text: str) -> str:
    return quote(text, safe="")
