"""From an ENTRY to a process: read its sources, see that they are trusted, load those very bytes."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from babysitter.authoring.process import Process
from babysitter.model.errors import BabysitterError, EntryError
from babysitter.service.process.admitted import Admission, Admitted
from babysitter.service.process.closure import ASK_MODULE, Sources, read_sources, relative
from babysitter.service.process.importing import load_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProcess:
    """A process ready to run.

    entry: normalised, relative to the workspace: ``path/to/file.py#name`` or ``package.module:name``.
    closure: path relative to the workspace to SHA-256, of each file of the closure.
    secrets: the references that the closure names as literals.
    authors: who counts as an author of every run: the owners of the process and of its secrets.
    admitted: why it may run; None where nobody asked.
    shows_changes: whether a call somewhere in the closure has ``diff=``, so that the beginning is kept.
    """

    process: Process[Any, Any]
    entry: str
    sources: Sources
    closure: dict[str, str]
    digest: str
    secrets: tuple[str, ...]
    authors: tuple[str, ...] = ()
    admitted: Admitted | None = None
    shows_changes: bool = False


def load_admitted(
    admission: Admission, entry: str, root: Path, *, allow_untrusted: bool = False
) -> LoadedProcess:
    """Load the process of an ENTRY after it was asked whether exactly this code may run.

    Raises:
        EntryError: see ``load_process``.
        UntrustedProcessError: it may not; nothing of it was run.
    """
    sources = read_sources(entry, root)
    admitted = admission.admit(sources, allow_untrusted=allow_untrusted)
    return replace(load_sources(sources), admitted=admitted)


def load_module(admission: Admission, entry: str, root: Path) -> tuple[ModuleType, str]:
    """Return the module that an ENTRY names, and the name after its mark, after it was asked as above.

    Raises:
        EntryError: there is no such file or module, or it does not load.
        UntrustedProcessError: it may not run; nothing of it was.
    """
    sources = read_sources(entry, root)
    admission.admit(sources)
    return _module_of(sources), sources.name


def load_process(entry: str, root: Path) -> LoadedProcess:
    """Load the process of an ENTRY, without asking whether it is trusted.

    Raises:
        EntryError: no such file or name, more than one process and none named, or the file does not load.
    """
    return load_sources(read_sources(entry, root))


def load_sources(sources: Sources) -> LoadedProcess:
    """Load a process from its sources; what runs is those bytes, whatever stands on disk by now.

    Raises:
        EntryError: no process of that name, more than one and none named, or the file does not load.
    """
    facts = list(sources.facts())
    process = _pick(_module_of(sources), sources.name, sources.named)
    used = [use for _, each in facts for use in each.secrets]
    owners = {process.owner, *(use.owner for use in used)}
    return LoadedProcess(
        process=process,
        entry=replace(sources, name=process.name).named,
        sources=sources,
        closure=sources.digests,
        digest=sources.digest,
        secrets=tuple(sorted({use.ref for use in used})),
        authors=tuple(sorted(owner for owner in owners if owner)),
        shows_changes=any(each.shows_changes for _, each in facts),
    )


def _module_of(sources: Sources) -> ModuleType:
    if sources.is_built_in:
        return importlib.import_module(ASK_MODULE)
    try:
        return load_entry(sources)
    except (Exception, SystemExit) as error:
        raise _load_failure(sources.named, error) from error


def entry_of(process: Process[Any, Any], root: Path) -> str:
    """Return the ENTRY of a process that is loaded already, as a child run needs it.

    Raises:
        EntryError: its file lies outside the workspace, so a later driver could not load it.
    """
    file = Path(process.source_file).resolve()
    if not file.is_relative_to(root.resolve()):
        raise EntryError(
            f"the process {process.name} is defined in {file}, outside the workspace {root}.",
            hint="Start it from a file of the workspace.",
        )
    return f"{relative(file, root)}#{process.name}"


def _load_failure(entry: str, error: Exception | SystemExit) -> EntryError:
    if isinstance(error, BabysitterError):
        return EntryError(f"{entry} does not load: {error.message}", hint=error.hint)
    line = ""
    trace = error.__traceback__
    while trace is not None:
        line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = f"{error.filename}:{error.lineno}"
    return EntryError(
        f"{entry} does not load: {type(error).__name__}: {error}, at {line}.", hint="Mend the file."
    )


def _pick(module: ModuleType, name: str, entry: str) -> Process[Any, Any]:
    found = {key: value for key, value in vars(module).items() if isinstance(value, Process)}
    own = {key: value for key, value in found.items() if value.function.__module__ == module.__name__}
    if name:
        if name not in found:
            known = ", ".join(sorted(own)) or "none"
            raise EntryError(f"{entry} names no process; found: {known}.", hint="Decorate it with @process.")
        return found[name]
    if len(own) != 1:
        known = ", ".join(sorted(own)) or "none"
        raise EntryError(
            f"{entry} has {len(own)} processes ({known}).", hint="Say which: path/to/file.py#name."
        )
    return next(iter(own.values()))
