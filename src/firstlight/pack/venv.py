"""The venv that wheels go into: a few links and files, the same as `venv` would make.

A venv keeps the image's packages apart from the distribution's own, so that neither
``apt`` nor ``pip`` inside the image can break the other.
"""

from __future__ import annotations

from firstlight.pack.entry import Bytes, Entry, Kind, folder

__all__ = ["venv_entries"]

_CONFIG = """\
home = /usr/bin
include-system-site-packages = false
version = {python}
executable = /usr/bin/python{python}
"""

_ACTIVATE = """\
# Use this environment in the current shell: . /{prefix}/bin/activate
# `deactivate` goes back.

deactivate () {{
    if [ -n "${{_FIRSTLIGHT_PATH+x}}" ]; then
        PATH="$_FIRSTLIGHT_PATH"
        export PATH
        unset _FIRSTLIGHT_PATH
    fi
    if [ -n "${{_FIRSTLIGHT_PS1+x}}" ]; then
        PS1="$_FIRSTLIGHT_PS1"
        unset _FIRSTLIGHT_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    [ "${{1:-}}" = again ] || unset -f deactivate
    hash -r 2>/dev/null || :
}}

deactivate again
_FIRSTLIGHT_PATH="$PATH"
VIRTUAL_ENV=/{prefix}
VIRTUAL_ENV_PROMPT={name}
PATH="$VIRTUAL_ENV/bin:$PATH"
export PATH VIRTUAL_ENV VIRTUAL_ENV_PROMPT
unset PYTHONHOME
if [ -z "${{VIRTUAL_ENV_DISABLE_PROMPT:-}}" ] && [ -n "${{PS1:-}}" ]; then
    _FIRSTLIGHT_PS1="$PS1"
    PS1="({name}) $PS1"
fi
hash -r 2>/dev/null || :
"""


def venv_entries(python: str, prefix: str = "opt/venv") -> list[Entry]:
    """Return the entries of an empty venv on the distribution's interpreter.

    Args:
        python: Its version without the patch, ``3.11``; it is
            ``/usr/bin/python3.11`` in the image.
        prefix: Where the venv is, without a leading slash.
    """
    activate = _ACTIVATE.format(prefix=prefix, name=prefix.rpartition("/")[2])
    return [
        folder(f"{prefix}/include"),
        folder(f"{prefix}/lib/python{python}/site-packages"),
        _link(f"{prefix}/lib64", "lib"),
        _link(f"{prefix}/bin/python", f"/usr/bin/python{python}"),
        _link(f"{prefix}/bin/python3", "python"),
        _link(f"{prefix}/bin/python{python}", "python"),
        _file(f"{prefix}/bin/activate", activate),
        _file(f"{prefix}/pyvenv.cfg", _CONFIG.format(python=python)),
    ]


def _link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.SYMLINK, mode=0o777, link=target)


def _file(path: str, text: str) -> Entry:
    data = text.encode()
    return Entry(path=path, size=len(data), content=Bytes(data))
