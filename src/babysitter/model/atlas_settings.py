"""The settings about the Atlas, as ``babysitter.toml`` has them. Reference: docs/reference/settings.md."""

from msgspec import Struct


class AtlasTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[atlas]``. All are globs of files below the settings file.

    documents: Markdown files that are pages.
    pages: records of other atlases, one a file, which are given back as they are.
    """

    documents: tuple[str, ...] = ("*.md", "docs/**/*.md")
    pages: tuple[str, ...] = ()
