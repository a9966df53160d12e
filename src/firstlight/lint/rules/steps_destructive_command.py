"""A command that destroys, and no warning before it. Readers run it, then read on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from firstlight.finding import Finding, Role, Span
from firstlight.lint.rule import Given, Rule
from firstlight.lint.sections import is_warned, section
from firstlight.lint.shell import Command, Script, scripts
from firstlight.markdown.page import Page

__all__ = ["RULE"]

_CONTAINERS = (
    (r"(system|volume) prune\b", "deletes stopped containers, images or volumes"),
    (r"volume (rm|remove)\b", "deletes a volume with its data"),
    (r"compose\b.* down\b.* (-v|--volumes)\b", "deletes the volumes with their data"),
)
_SQL = (
    (r"\bdrop (database|schema|table|tablespace)\b", "deletes it with its data"),
    (r"\btruncate table\b", "deletes every row"),
)
_DESTROY: dict[str, tuple[tuple[str, str], ...]] = {
    "git": (
        (r"push\b.* (--force|-f)(?![\w-])", "overwrites the history of the remote"),
        (r"reset\b.* --hard\b", "discards changes that were not committed"),
        (r"clean\b.* -\w*f", "deletes files that were never committed"),
    ),
    "dd": ((r".*\bof=/dev/(?!null|zero|stdout|stderr|shm)", "overwrites a device"),),
    "wipefs": ((r".*/dev/", "erases a device"),),
    "shred": ((r".", "overwrites files"),),
    "docker": _CONTAINERS,
    "podman": _CONTAINERS,
    "nerdctl": _CONTAINERS,
    "docker-compose": (
        (r".*\bdown\b.* (-v|--volumes)\b", "deletes the volumes with their data"),
    ),
    "kubectl": (
        (r"delete (ns|namespaces?|pvc|persistentvolumeclaims?)\b", "deletes its data"),
        (r"delete (?!pods?\b).* --all\b", "deletes all of them"),
    ),
    "terraform": ((r"(\S+ )?destroy\b", "destroys the infrastructure"),),
    "tofu": ((r"(\S+ )?destroy\b", "destroys the infrastructure"),),
    "aws": ((r"s3 (rm\b.* --recursive|rb\b.* --force)", "deletes the stored objects"),),
    "redis-cli": ((r".*\bflush(all|db)\b", "deletes every key"),),
    "dropdb": ((r".", "deletes the database"),),
    "mysql": _SQL,
    "psql": _SQL,
    "zpool": ((r"destroy\b", "destroys the pool"),),
    "zfs": ((r"destroy\b", "destroys the file system"),),
    "lvremove": ((r".", "destroys the volume"),),
    "vgremove": ((r".", "destroys the volume group"),),
    "crontab": ((r".*-r\b", "deletes all scheduled jobs"),),
    "wsl": ((r".*--unregister\b", "deletes the distribution with its files"),),
}
"""Program -> what its arguments look like, in lower case, and what then happens."""

_PATTERNS = {
    program: tuple((re.compile(pattern), harm) for pattern, harm in rows)
    for program, rows in _DESTROY.items()
}
_OFTEN_HARMLESS = {"git", "docker", "podman"}
_TOLD = {
    "git": (
        *("discard", "force", "reset", "revert", "undo", "overwrit", "rewrit"),
        *(
            "rebase",
            "clean",
            "replace",
            "替换",
            "丢弃",
            "放弃",
            "强制",
            "强推",
            "撤销",
            "重置",
            "覆盖",
        ),
        *("回退", "回滚", "清理", "变基"),
    ),
}
"""Programs whose harm has other names than `_ENDS`."""
_ENDS = (
    *("delet", "remov", "destroy", "uninstall", "clean", "clear", "purge", "wipe"),
    *("tear down", "drop", "erase", "删除", "删掉", "移除", "卸载", "清理", "清除"),
    *("清空", "销毁"),
)
"""Where the words around announce the end of something, the command is no surprise."""
_ALWAYS = frozenset(
    ("dd", "wipefs", "mkfs", "aws", "redis-cli", "dropdb", "mysql", "psql", "zpool")
)
"""Programs that end what nobody has twice: to announce it is not enough."""
_CAREFUL = (
    "careful",
    "caution",
    "backup",
    "back up",
    "data",
    "谨慎",
    "小心",
    "备份",
    "数据",
)
_LOOKS_BACK = 300
_SHORT = 6
_MAIN = re.compile(r"push\b.* (?:\S+:)?(?:main|master|trunk|develop)\b")
"""A branch of one's own is there to be pushed again."""
_TRIGGERS = (
    *(program.encode() for program in _DESTROY if program not in _OFTEN_HARMLESS),
    *(b"mkfs", b"/dev/", b"rm ", b" prune", b" volume", b"--force", b" -f", b" -v"),
    *(b"--hard", b" clean"),
)
"""Code without any of these need not be read word by word."""
_DEVICE = re.compile(r"/dev/(sd|hd|nvme|vd|mmcblk|disk)\w+")
_WIDE = re.compile(r"(?:[~/*]|\$\{?HOME\b|\.\.?/?$|<|\./\*|[A-Za-z]:\\|\{\{)")
_NAMED = re.compile(
    r"(?:^|[/_.-])(data|database|db|volumes?|backups?|storage)(?:[/_.-]|$)"
)
_MADE_AGAIN = re.compile(
    r"/?(var/)?tmp/.|/var/lib/apt|.*(cache|node_modules|__pycache__|site-packages)"
    r"|.*/(build|dist|target|venv|\.venv)/?$|.*[\w-]\.[a-z]{2,5}$",
    re.I,
)


def check(page: Page, given: Given) -> Iterator[Finding]:
    """Find commands that destroy what cannot be made again."""
    for script in page.once(scripts):
        if not any(word in script.code for word in _TRIGGERS):
            continue
        if b"WARNING" in _source(page, script):
            continue  # The command itself warns, and its output is shown.
        for command in script.commands:
            harm = _harm(command)
            if not harm or _is_announced(page, script, command):
                continue
            if not is_warned(page, page.blocks[script.block].start):
                yield _finding(command, harm)
                break  # One notice before the block warns of all its commands.


def _is_announced(page: Page, script: Script, command: Command) -> bool:
    """Whether the words before the command name what it ends, or a comment warns."""
    comments = b" ".join(
        line.partition(b"#")[2] for line in script.code.lower().splitlines()
    )
    if any(word.encode() in comments for word in _CAREFUL):
        return True
    if command.program in _ALWAYS or "delete p" in _arguments(command):
        return False
    start = section(page, script.start).start
    heading = page.shown[start : page.lines.end(page.lines.number(start))]
    before = page.shown[max(start, script.start - _LOOKS_BACK) : script.start]
    title = next(map(page.text, page.of("heading")), "").lower()
    if len(title) > _SHORT and title in f"{command.program} {_arguments(command)}":
        return True  # The page is about this very command.
    text = b" ".join((heading, before, comments)).lower()
    return any(word.encode() in text for word in _TOLD.get(command.program, _ENDS))


def _arguments(command: Command) -> str:
    return " ".join(word.text for word in command.arguments).lower()


def _source(page: Page, script: Script) -> bytes:
    return page.data[script.start : script.start + len(script.code)]


def _finding(command: Command, harm: str) -> Finding:
    shown = " ".join(word.text for word in command.words)
    shown = shown if len(shown) <= 40 else shown[:39] + "…"
    return Finding(
        code=RULE.code,
        role=Role.WARNING if command.program == "git" else RULE.role,
        message=f"`{shown}` {harm}, and nothing warns before it",
        hint="say what is lost, and for whom, in a notice before the command",
        span=Span(command.start, command.end),
    )


def _harm(command: Command) -> str:
    """What a command destroys, empty if nothing that matters."""
    if any(_DEVICE.match(target) for target in command.writes):
        return "overwrites a device"
    if command.program.startswith("mkfs"):
        # On a file or a service, the file system is a new one.
        is_device = any("/dev/" in word.text for word in command.arguments)
        return "erases a file system" if is_device else ""
    if command.program == "rm":
        return _removal(command)
    rows = _PATTERNS.get(command.program, ())
    if not rows:
        return ""
    text = _arguments(command)
    if command.program == "git" and text.startswith("push") and _is_own(text):
        return ""
    return next((harm for pattern, harm in rows if pattern.match(text)), "")


def _is_own(push: str) -> bool:
    """Whether a push names a branch, and not one that others work on."""
    names = [word for word in push.split()[1:] if not word.startswith("-")]
    return len(names) > 1 and not _MAIN.match(push)


def _removal(command: Command) -> str:
    is_deep = "r" in command.flags().lower() or command.has("--recursive")
    if not is_deep:
        return ""
    for word in command.arguments:
        text = word.text
        if text.startswith("-") or _MADE_AGAIN.match(text):
            continue
        if _WIDE.match(text) or _NAMED.search(text):
            return "deletes files for good"
    return ""


RULE = Rule(code="steps.destructive-command", check=check, role=Role.FAILURE)
