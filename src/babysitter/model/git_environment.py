"""The variables by which git tells a hook's programs which repository it works on."""

REPOSITORY_OF_A_CALLER = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE"),
    *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"),
    "GIT_IMPLICIT_WORK_TREE",
)
"""Set where we run inside somebody's git hook; a git of ours that means another one must not see them."""

WITHOUT_THEM = ("env", *(word for name in REPOSITORY_OF_A_CALLER for word in ("-u", name)))
"""The beginning of a command that starts a program without these variables."""
