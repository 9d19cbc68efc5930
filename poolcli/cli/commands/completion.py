"""``poolcli completion``."""

from __future__ import annotations

from poolcli.cli.options.grammar import argument
from poolcli.cli.output import Output
from poolcli.errors import UnknownNameError

BASH = r"""_poolcli() {
    local answer
    mapfile -t answer < <(_POOLCLI_COMPLETE=bash "$1" "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
    [[ ${answer[0]} == files ]] || compopt +o default 2>/dev/null
    COMPREPLY=("${answer[@]:1}")
}
complete -o default -F _poolcli poolcli
"""
ZSH = r"""#compdef poolcli
_poolcli() {
    local -a answer
    answer=("${(@f)$(_POOLCLI_COMPLETE=zsh "${words[1]}" "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    local kind=$answer[1]
    shift answer
    [[ $PREFIX == --*=* ]] && compset -P '--[^=]#='
    (($#answer)) && _describe poolcli answer && return
    [[ $kind == files ]] && _files
}
if [[ $funcstack[1] == _poolcli ]]; then _poolcli "$@"; else compdef _poolcli poolcli; fi
"""
FISH = r"""function _poolcli
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l answer (_POOLCLI_COMPLETE=fish $words[1] $words "$last" 2>/dev/null)
    if test (count $answer) -gt 1
        printf '%s\n' $answer[2..]
    else if test "$answer[1]" = files
        set -l option (string match -r -- '^--[^=]*=' "$last")
        __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$last") | string replace -r -- '^' "$option"
    end
end
complete -c poolcli -f -a '(_poolcli)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(shell: str = argument(..., "SHELL", "bash, zsh or fish.", choices=tuple(SCRIPTS))) -> None:
    """Print the completion script of a shell.

    Put the line for your shell into ~/.bashrc, ~/.zshrc (after compinit) or ~/.config/fish/config.fish.

    Examples
    --------
    eval "$(poolcli completion bash)"
    eval "$(poolcli completion zsh)"
    poolcli completion fish | source
    """
    if shell not in SCRIPTS:
        raise UnknownNameError("shell", shell, SCRIPTS)
    Output().put(SCRIPTS[shell].encode())
