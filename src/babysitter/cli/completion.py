"""``completion``: the script that makes a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

from babysitter.cli.terminal import json_option, show

_WHERE = {
    "bash": 'Put this line in ~/.bashrc:  eval "$(babysitter completion bash)"',
    "zsh": 'Put this line in ~/.zshrc:  eval "$(babysitter completion zsh)"',
    "fish": "Put this line in ~/.config/fish/config.fish:  babysitter completion fish | source",
}
_BASH = r"""
_babysitter_completion() {
    local IFS=$'\n' type value line word="" glued="" i
    local -a words=()
    # Bash splits words at : and =, so run:status comes as three. Put them together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i > 1)) && [[ ${COMP_WORDS[i]} == [:=]* || ${COMP_WORDS[i - 1]} == *[:=] ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    word=${words[${#words[@]} - 1]}
    # What stands before the last : or = is on the line already, and bash replaces only what follows it.
    [[ $word == *[:=]* ]] && glued=${word%"${word##*[:=]}"}
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$glued"}") ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
        _BABYSITTER_COMPLETE=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F _babysitter_completion babysitter
"""


@click.command(epilog="Example: babysitter completion bash >> ~/.bashrc")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def completion(shell: str, *, as_json: bool) -> None:
    """Print the completion script for bash, zsh or fish."""
    script = f"# {_WHERE[shell]}\n{_script(shell)}"
    show({"shell": shell, "script": script}, as_json=as_json, text=lambda: script)


def _script(shell: str) -> str:
    if shell == "bash":
        return _BASH
    from babysitter.cli.root import babysitter  # noqa: PLC0415 (the tree names this module)

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the shells that are offered"
    return kind(babysitter, {}, "babysitter", "_BABYSITTER_COMPLETE").source()
