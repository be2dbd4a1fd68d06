"""How git is started on a repository that may be anybody's: which variables, which options.

Its configuration can name programs: a monitor, hooks, the program that checks a signature (``log`` asks it
where ``log.showSignature`` says so), what a partial clone fetches with. Its ``refs/replace`` can show one
object in the place of another, which a push does not.
"""

REPOSITORY_OF_A_CALLER = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE"),
    *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_ATTR_SOURCE"),
)
"""Set where we run inside somebody's git hook; a git of ours that means another one must not see them."""

WITHOUT_THEM = ("env", *(word for name in REPOSITORY_OF_A_CALLER for word in ("-u", name)))
"""The beginning of a command that starts a program without these variables."""

OBEYING_NOTHING = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
    "--no-pager",
)
"""Options before git's command, with which no configuration starts a program while git reads."""

READING = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # Older gits know nothing of the line before, and would fetch with a program of the configuration's.
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}
"""Variables with which git reads what is here, as it is, and nothing else."""

WITHOUT_SETTINGS = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
"""Variables without which git would read the user's and the system's settings."""
