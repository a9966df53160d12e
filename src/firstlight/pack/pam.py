"""``/etc/pam.d/common-*`` for plain Unix accounts, as ``pam-auth-update`` writes them.

Only the first profile, ``unix``, is used: the others serve services (a session bus,
capabilities, network accounts) that an image does not run.
"""

from __future__ import annotations

from collections.abc import Iterator

from firstlight.pack.dpkg import file_entry
from firstlight.pack.entry import Entry
from firstlight.pack.tree import Tree

__all__ = ["pam_entries"]

_PROFILE = "usr/share/pam-configs/unix"
_PATTERNS = "usr/share/pam"
_FILES = {
    "common-account": "Account",
    "common-auth": "Auth",
    "common-password": "Password",
    "common-session": "Session",
    "common-session-noninteractive": "Session",
}


def pam_entries(tree: Tree) -> Iterator[Entry]:
    """Yield the shared PAM files for which the packages have patterns."""
    fields = _profile(tree.text(_PROFILE).decode("utf-8", "replace"))
    for name, kind in _FILES.items():
        pattern = tree.text(f"{_PATTERNS}/{name}").decode("utf-8", "replace")
        if not pattern or not fields:
            continue
        word = kind.lower()
        modules = fields.get(f"{kind}-Initial") or fields.get(kind, [])
        blocks: dict[str, list[str]] = {"_primary": [], "_additional": []}
        blocks["_" + "".join(fields.get(f"{kind}-Type", ["primary"])).lower()] = [
            # Of one module, "to the end" jumps over the refusal behind it.
            f"{word}\t{line.replace('success=end', 'success=1')}"
            for line in modules
        ]
        if not blocks["_primary"]:
            blocks["_primary"] = [f"{word}\t[default=1]\t\t\tpam_permit.so"]
        yield file_entry(f"etc/pam.d/{name}", _filled(pattern, blocks))


def _profile(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isspace() and name:
            fields[name].append(line.strip())
            continue
        name, _, value = line.partition(":")
        fields[name] = [value.strip()] if value.strip() else []
    return fields


def _filled(pattern: str, blocks: dict[str, list[str]]) -> str:
    lines: list[str] = []
    for line in pattern.splitlines():
        if not line.startswith("$"):
            lines.append(line)
            continue
        for suffix, block in blocks.items():
            if line.endswith(suffix):
                lines += block
    return "\n".join(lines) + "\n"
