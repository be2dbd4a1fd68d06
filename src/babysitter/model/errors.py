"""Every error a caller may meet, in one tree with stable codes.

    BabysitterError
    ├── UsageError                 usage.*       exit 2   the call or the input is wrong
    │   ├── InvalidValueError      usage.value            not JSON that survives a round trip
    │   ├── InvalidIdError         usage.id
    │   ├── EntryError             usage.entry            the ENTRY names no process
    │   ├── SettingsError          usage.settings         babysitter.toml, with its line
    │   └── NotFoundError          usage.not_found        no such run, task or breakpoint
    ├── RefusedError               refused.*     exit 4   right call, not here or not now
    │   ├── RunLockedError         refused.locked         another driver holds the run
    │   ├── RunExistsError         refused.exists
    │   ├── RunEndedError          refused.ended
    │   ├── PolicyDeniedError      refused.policy
    │   ├── CredentialError        refused.credential     no token or session that counts
    │   ├── ForbiddenError         refused.role           known, but holds no role here that may
    │   ├── RateError              refused.rate           too often, or too much at once
    │   ├── ProviderError          refused.provider       an identity provider, or another server, is away
    │   ├── SandboxError           refused.sandbox        cannot confine, or would not be confined
    │   ├── MissingToolError       refused.tool
    │   ├── ProgramTimeoutError    refused.timeout        a program of this machine was too slow
    │   ├── SignatureError         refused.signature      a signature does not prove what it should
    │   ├── SignersError           refused.signers        an unusable list of signers, key or revocation
    │   ├── WitnessError           refused.witness        a witness is away, or refuses to cosign
    │   ├── NotifyError            refused.notify         a notification could not be delivered
    │   ├── ProcessChangedError    refused.process_changed
    │   ├── UntrustedProcessError  refused.untrusted      nobody who may has reviewed this very code
    │   ├── ReviewError            refused.review         what changed in the workspace can't be shown
    │   ├── SecretError            refused.secret         away, too short, undeclared, or in an argv
    │   │   └── SecretSourceError  refused.secret_source  where it is kept is away, or refuses
    │   └── DetectionError         refused.detection      nobody could look whether a credential is in it
    ├── StoreError                 store.*       exit 4
    │   ├── StoreFailedError       store.disk             a disk failed; what was acknowledged is kept
    │   ├── AppendConflictError    store.conflict
    │   └── AccessStoreError       store.access           nobody knows who may come in, so nobody does
    ├── JournalError               journal.*     exit 1
    │   └── CorruptJournalError    journal.corrupt        what is on disk does not verify
    ├── ProcessError               process.*     exit 1   what author code sees or causes
    │   ├── TaskError              process.task           a task failed; carries the original name and message
    │   ├── CancelledRunError      process.cancelled      thrown into the process so that it can clean up
    │   ├── NondeterminismError    process.nondeterminism the code did not do what the journal has
    │   ├── ForbiddenCallError     process.forbidden      clock, dice or outside world without ctx
    │   ├── UnawaitedCallError     process.unawaited
    │   └── ForeignAwaitError      process.foreign_await  asyncio and the like
    └── Defect                     defect        exit 70  a bug of ours

Faces use ``code`` and ``exit_status``, never the text. A text has three parts: what
happened, where, and what to do. The third part is ``hint``.
Programmer errors inside our own code are ``assert`` and ``TypeError`` and stand outside the tree.
"""

from typing import Any, ClassVar


class BabysitterError(Exception):
    """Anything we say no to, with a stable code and a hint that says what to do."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **facts: object) -> None:
        self.message = message
        self.hint = hint
        self.facts: dict[str, Any] = facts
        super().__init__(f"{message}\n{hint}" if hint else message)


class UsageError(BabysitterError):
    """The call or its input is wrong; the same call will never work."""

    code = "usage"
    exit_status = 2


class InvalidValueError(UsageError):
    """A value is not JSON that survives a round trip; ``facts['path']`` says where."""

    code = "usage.value"


class InvalidIdError(UsageError):
    """A run id, a name or a path from outside is not of the allowed form."""

    code = "usage.id"


class EntryError(UsageError):
    """The ENTRY names no process, or its file does not load."""

    code = "usage.entry"


class SettingsError(UsageError):
    """``babysitter.toml`` is wrong; ``facts`` has ``file`` and ``line``."""

    code = "usage.settings"


class NotFoundError(UsageError):
    """No run, task, breakpoint or file of that name."""

    code = "usage.not_found"


class RefusedError(BabysitterError):
    """The call is right and is refused here or now."""

    code = "refused"
    exit_status = 4


class RunLockedError(RefusedError):
    """Another driver holds the run; ``facts['holder']`` names it."""

    code = "refused.locked"


class RunExistsError(RefusedError):
    """A run of that id is there already."""

    code = "refused.exists"


class RunEndedError(RefusedError):
    """The run has ended; a journal never grows after its end."""

    code = "refused.ended"


class PolicyDeniedError(RefusedError):
    """A rule says no."""

    code = "refused.policy"


class CredentialError(RefusedError):
    """The credential is missing, unknown, expired or revoked; which of these is not said."""

    code = "refused.credential"


class ForbiddenError(RefusedError):
    """The caller is known, and holds no role here that may do this."""

    code = "refused.role"


class RateError(RefusedError):
    """One caller, or all together, ask for more than a server bears; later there is room again."""

    code = "refused.rate"


class ProviderError(RefusedError):
    """An identity provider, or the server that is called, is away or says what can't be believed."""

    code = "refused.provider"


class SandboxError(RefusedError):
    """The task cannot be confined here, or asks for what no sandbox gives."""

    code = "refused.sandbox"


class MissingToolError(RefusedError):
    """A program that the task needs is not on this machine."""

    code = "refused.tool"


class ProgramTimeoutError(RefusedError):
    """A program of this machine did not answer in time and was ended."""

    code = "refused.timeout"


class SignatureError(RefusedError):
    """A signature does not prove what it should; ``facts['reason']`` is a stable word for why."""

    code = "refused.signature"


class SignersError(RefusedError):
    """A file of signers, a key or a revocation list can't be used; ``facts`` has ``file`` and ``line``."""

    code = "refused.signers"


class WitnessError(RefusedError):
    """A witness is away, or refuses to cosign; ``facts['witness']`` names it."""

    code = "refused.witness"


class NotifyError(RefusedError):
    """A notification was not delivered; ``facts`` has ``channel``, and ``reason`` as a stable word."""

    code = "refused.notify"


class ProcessChangedError(RefusedError):
    """The process's code is not the code this run began with."""

    code = "refused.process_changed"


class UntrustedProcessError(RefusedError):
    """Nobody who may has trusted this very code; ``facts`` has ``entry``, ``digest`` and ``reason``.

    reason: ``unknown``, ``record`` (there is one that does not count), ``settings`` (the sandbox's have
    changed since), ``signers`` (who signed counts only by files that this account has not believed),
    ``findings``.
    """

    code = "refused.untrusted"


class ReviewError(RefusedError):
    """What changed in the workspace can't be shown, so nobody can be asked about it."""

    code = "refused.review"


class SecretError(RefusedError):
    """A secret is away, too short to mask, not declared, or about to stand in an argv."""

    code = "refused.secret"


class SecretSourceError(SecretError):
    """Where a secret is kept can't be read: away, refused, too slow, or readable by others."""

    code = "refused.secret_source"


class DetectionError(RefusedError):
    """The search for undeclared credentials failed, so what it should have looked at is not kept."""

    code = "refused.detection"


class StoreError(BabysitterError):
    """The bytes could not be kept."""

    code = "store"
    exit_status = 4


class StoreFailedError(StoreError):
    """A disk operation failed; its outcome is unknown and this lease is dead.

    Open the run again, which verifies.
    """

    code = "store.disk"


class AppendConflictError(StoreError):
    """Another writer appended first; read the journal again and decide anew."""

    code = "store.conflict"


class AccessStoreError(StoreError):
    """Who may come in can't be read or kept, so nobody comes in."""

    code = "store.access"


class JournalError(BabysitterError):
    """The journal does not say what a journal can say."""

    code = "journal"


class CorruptJournalError(JournalError):
    """What is on disk does not verify; ``facts`` has ``line`` and ``problem``."""

    code = "journal.corrupt"


class ProcessError(BabysitterError):
    """What author code sees or causes."""

    code = "process"


class TaskError(ProcessError):
    """A task failed. ``name`` and ``message`` are those of the original error; ``data`` is JSON."""

    code = "process.task"

    def __init__(
        self, name: str, message: str, *, data: object = None, task_id: str = "", call_id: str = ""
    ) -> None:
        self.name = name
        self.data = data
        self.task_id = task_id
        self.call_id = call_id
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


class CancelledRunError(ProcessError):
    """The run or this branch is being cancelled.

    Catch it, clean up with further steps, and raise it again.
    """

    code = "process.cancelled"


class NondeterminismError(ProcessError):
    """Replaying, the code did something else than the journal has; ``facts`` names both sides."""

    code = "process.nondeterminism"


class ForbiddenCallError(ProcessError):
    """Process code reached for the clock, dice, files, sockets or programs without ``ctx``."""

    code = "process.forbidden"


class UnawaitedCallError(ProcessError):
    """A call on ``ctx`` was made and never awaited; ``facts['line']`` says where."""

    code = "process.unawaited"


class ForeignAwaitError(ProcessError):
    """Process code awaited something that is not of ``ctx``."""

    code = "process.foreign_await"


class Defect(BabysitterError):
    """A bug of ours. The text says where to report it."""

    code = "defect"
    exit_status = 70
