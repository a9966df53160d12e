"""What documents add to each sign: aliases, words, meanings, types of notices.

Nothing here is code: a new word, alias or syntax is a line in a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from firstlight.signs import SIGNS

__all__ = ["FEELINGS", "FORMS", "FUNCTIONS", "NEUTRAL", "TYPES", "Function"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What a block is for, how it is shown, and what it is called elsewhere.

    `english` and `chinese` are the words written with the symbol. `aliases` are symbols
    that mean the same and are rewritten to `symbol`. `words` announce the function,
    with the symbol or alone (``Warning:``); `companions` only together with the symbol,
    since they are ordinary words otherwise (``Open``). All are in lower case, of both
    languages. `alert`, `mkdocs` and so on are the types of notices that syntaxes have
    for it; empty where they have none, and `NEUTRAL` with a title says it then.
    """

    name: str
    symbol: str
    english: str
    chinese: str
    meaning_en: str
    meaning_zh: str
    aliases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    alert: str = ""
    mkdocs: str = ""
    blocks: str = ""
    myst: str = ""
    docusaurus: str = ""
    vitepress: str = ""


NEUTRAL: Mapping[str, str] = MappingProxyType(
    {
        "alert": "NOTE",
        "mkdocs": "note",
        "blocks": "note",
        "myst": "admonition",
        "docusaurus": "note",
        "vitepress": "info",
    }
)
"""Syntax -> the type that, with an own title, says what the syntax has no type for."""

_MEANINGS = {
    "danger": (
        "Data loss, exposure, damage, cost or anything that cannot be undone follows.",
        "做错会造成数据丢失、泄露、硬件损坏、费用，或无法恢复的后果。",
    ),
    "warning": (
        "A failure, a wrong result or downtime follows.",
        "做错会导致失败、结果错误或服务中断。",
    ),
    "key": (
        "Needed to succeed; skipping it does no harm, but the goal is missed.",
        "成功所必需；跳过没有危害，但达不到目标。",
    ),
    "note": (
        "Worth knowing; it changes nothing in what to do.",
        "值得了解，不改变要做的事。",
    ),
    "tip": (
        "Optional; it makes the work easier or better.",
        "可选，让操作更容易或效果更好。",
    ),
    "success": (
        "What you should see, or the right way to do it.",
        "应当看到的结果，或正确的做法。",
    ),
    "failure": (
        "A forbidden, wrong or failing way.",
        "被禁止的、错误的或会失败的做法。",
    ),
    "action": (
        "A step that changes something: install, configure, run.",
        "会带来改变的步骤：安装、配置、运行。",
    ),
    "troubleshooting": (
        "Finding and mending what is broken.",
        "定位并修复故障。",
    ),
    "security": (
        "Permissions, secrets and isolation.",
        "权限、密钥与隔离。",
    ),
    "access": (
        "Getting in from elsewhere: SSH, tokens, remote machines.",
        "从别处进入：SSH、令牌、远程机器。",
    ),
    "interface": (
        "Something to open and look at: browser, editor, terminal.",
        "需要打开查看的东西：浏览器、编辑器、终端。",
    ),
    "performance": (
        "Speed, memory and scaling.",
        "速度、内存与扩展。",
    ),
    "data": (
        "Data and measurements.",
        "数据与测量结果。",
    ),
}

_ALIASES = {
    "danger": "🚨 🛑 ⛔ ☠️",
    "warning": "❗ ‼️ 🚧",
    "key": "⭐ ☝️ 👉",
    "note": "📝 🔔 📢",
    "success": "✔️ ☑️ 👍",
    "failure": "✖️ 🚫 👎",
    "action": "🔨 ⚙️",
    "troubleshooting": "🧰",
    "security": "🛡️ 🔑",
    "interface": "💻",
    "performance": "⚡ 🚀",
    "data": "📉",
}

# In 7,216 aligned English and Chinese notices, 注意 translates Note in 97.7 %: it is no
# warning, although it sounds like one.
_WORDS = {
    "danger": """
        danger, dangerous, danger zone, extreme caution,
        危险, 高危, 高危操作, 危险操作, 严重警告
    """,
    "warning": """
        warning, warnings, caution, attention, beware, be careful, watch out,
        heads up, breaking change, deprecated, deprecation warning, pitfall, gotcha,
        警告, 警示, 小心, 当心, 慎用, 特别注意, 已弃用, 已废弃, 弃用警告, 风险提示,
        风险提醒, 避坑
    """,
    "key": """
        important, important note, very important, key point, key points, must read,
        remember,
        重点, 重要, 重要提示, 重要说明, 重要提醒, 重要信息, 重要事项, 关键点, 要点,
        必读, 必看, 切记, 牢记, 务必注意, 请务必注意
    """,
    "note": """
        note, notes, notice, nb, n.b., please note, side note, info, fyi,
        good to know, additional information, see also, seealso,
        说明, 注意, 注, 备注, 附注, 请注意, 注意事项, 注意点, 须知, 补充说明,
        特别说明, 提醒, 温馨提醒, 温馨提示, 友情提示, 另请参阅, 参见
    """,
    "tip": """
        tip, tips, hint, hints, pro tip, protip, suggestion, recommendation,
        best practice,
        提示, 小提示, 小贴士, 贴士, 小技巧, 技巧, 窍门, 建议, 小建议, 最佳实践
    """,
    "success": """
        expected result, expected results, expected output, you should see,
        预期结果, 预期输出, 期望结果, 期望输出, 建议做法, 推荐做法, 正确做法,
        正确示例
    """,
    "failure": """
        don't, do not, never do this, anti-pattern, antipattern,
        错误做法, 错误示例, 不要这样做, 反例, 反模式
    """,
    "action": "操作步骤, 配置步骤",
    "troubleshooting": "troubleshooting, 故障排查, 故障排除, 问题排查",
    "security": "security note, security notice, security warning, 安全提示, 安全说明",
    "performance": "performance note, performance tip, 性能提示, 性能说明",
}

_COMPANIONS = {
    "danger": """
        data loss, irreversible, destructive, critical,
        数据丢失, 高风险, 不可逆, 不可恢复, 不可撤销
    """,
    "warning": """
        limitation, limitations, known issue, known issues, risk,
        谨慎, 限制, 已知问题, 风险
    """,
    "key": """
        required, requirement, requirements, mandatory, essential, crucial,
        prerequisite, prerequisites, must,
        必须, 关键, 前提, 前提条件
    """,
    "note": """
        information, remark, remarks, summary, background, news,
        信息, 补充, 注释, 备忘, 背景
    """,
    "tip": "recommended, trick, idea, 推荐, 提示信息, 经验",
    "success": """
        do, yes, ok, done, success, successful, supported, correct, good, pass,
        passed, available, enabled, works, completed, result,
        是, 有, 可以, 支持, 已支持, 成功, 正确, 通过, 完成, 已完成, 可用, 启用, 结果,
        推荐
    """,
    "failure": """
        fails, failure, failed, error, no, not supported, unsupported, wrong, bad,
        incorrect, forbidden, unavailable, disabled, avoid, missing, never,
        失败, 否, 无, 不支持, 暂不支持, 未支持, 错误, 禁止, 不可用, 禁用, 不要, 请勿,
        不可以, 没有, 不推荐, 未通过
    """,
    "action": """
        do this, configure, configuration, install, installation, run, set up, setup,
        build, usage, step, steps, action, try it, quick start, settings,
        操作, 配置, 安装, 运行, 设置, 构建, 使用, 使用方法, 步骤, 快速开始, 动手
    """,
    "troubleshooting": """
        fix, repair, faq, debug, debugging, solution, problem, diagnosis,
        排查, 修复, 调试, 常见问题, 解决方法, 解决方案, 诊断, 问题
    """,
    "security": """
        security, permissions, privacy, secrets, isolation, safety,
        安全, 权限, 隐私, 密钥, 隔离
    """,
    "access": """
        access, log in, login, sign in, credentials, authentication, remote access,
        ssh,
        访问, 登录, 访问凭据, 凭据, 认证, 登录方式, 远程访问
    """,
    "interface": """
        open, interface, browser, terminal, editor, screen, ui, web ui, dashboard,
        打开, 界面, 浏览器, 终端, 编辑器, 控制台, 页面
    """,
    "performance": """
        performance, speed, benchmark, benchmarks, memory, scaling, optimization,
        性能, 速度, 基准, 内存, 显存, 扩展, 优化
    """,
    "data": """
        data, results, dataset, datasets, measurements, statistics, metrics, table,
        数据, 结果, 数据集, 测量, 统计, 指标
    """,
}

_TYPES_WRITTEN = {
    "danger": ("danger", "danger", "danger", "danger", "danger"),
    "warning": ("warning", "warning", "warning", "warning", "warning"),
    "key": ("important", "", "important", "", ""),
    "note": ("note", "note", "note", "note", "info"),
    "tip": ("tip", "tip", "tip", "tip", "tip"),
    "success": ("success", "", "", "", ""),
    "failure": ("failure", "", "", "", ""),
}
"""Function -> types of Material, pymdownx.blocks, MyST, Docusaurus and VitePress.

Only types that each draws without settings of its own; MyST's are those of Docutils.
"""

FORMS = (
    "alert",
    "mkdocs",
    "details",
    "blocks",
    "colon",
    "myst",
    "symbol",
    "bold",
    "plain",
)
"""The syntaxes in which a page can write a notice."""

_SITES = {
    "info": "note",
    "todo": "note",
    "seealso": "note",
    "hint": "tip",
    "important": "key",
    "check": "success",
    "done": "success",
    "success": "success",
    "fail": "failure",
    "failure": "failure",
    "missing": "failure",
    "caution": "warning",
    "attention": "warning",
    "error": "danger",
}

TYPES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # GitHub has exactly five, and its caution is the worst of them.
        "alert": {"caution": "danger"},
        "mkdocs": _SITES,
        "details": _SITES,
        "blocks": _SITES,
        "colon": {**_SITES, "secondary": "note"},
        "myst": {**_SITES, "versionchanged": "note", "deprecated": "warning"},
    }
)
"""Form -> type of a notice -> function, where a form has a meaning of its own."""

_FEELINGS = """
    😀 😃 😄 😁 😆 😅 🤣 😂 🙂 🙃 🫠 😉 😊 😇 🥰 😍 🤩 😘 😗 ☺️ 😚 😙 🥲 😋 😛 😜 🤪
    😝 🤑 🤗 🤭 🫢 🫣 🤫 🤔 🫡 🤐 🤨 😐 😑 😶 😏 😒 🙄 😬 😌 😔 😪 🤤 😴 😷 🤒 🤕 🤢
    🤮 🤧 🥵 🥶 🥴 😵 🤯 🤠 🥳 🥸 😎 🤓 🧐 😕 🫤 😟 🙁 ☹️ 😮 😯 😲 😳 🥺 🥹 😦 😧 😨
    😰 😥 😢 😭 😱 😖 😣 😞 😓 😩 😫 🥱 😤 😡 😠 🤬 😈 👿 💀 💩 🤡 👹 👺 👻 👽 👾 😺
    😸 😹 😻 😼 😽 🙀 😿 😾 🙈 🙉 🙊 💋 💌 💘 💝 💖 💗 💓 💞 💕 💟 ❣️ 💔 ❤️ 🩷 🧡 💛
    💚 💙 🩵 💜 🤎 🖤 🩶 🤍 💯 💢 💥 💫 💦 💨 👋 🤞 🤟 🤘 🤙 👏 🙌 🫶 👐 🤝 🙏 💪 🎉
    🎊 🎈 🎁 🎂 🎆 🎇 🥂 🍻 🍾 🏆 🥇 🏅 🔥 ✨ 🌟 🌈 🍀 🦄 👑 💎
"""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(",") if word.strip())


def _function(name: str) -> Function:
    sign = SIGNS[name]
    english, chinese = _MEANINGS[name]
    mkdocs, blocks, myst, docusaurus, vitepress = _TYPES_WRITTEN.get(name, ("",) * 5)
    return Function(
        name=name,
        symbol=sign.symbol,
        english=sign.english,
        chinese=sign.chinese,
        meaning_en=english,
        meaning_zh=chinese,
        aliases=tuple(_ALIASES.get(name, "").split()),
        words=_listed(_WORDS.get(name, "")),
        companions=_listed(_COMPANIONS.get(name, "")),
        alert=sign.alert,
        mkdocs=mkdocs,
        blocks=blocks,
        myst=myst,
        docusaurus=docusaurus,
        vitepress=vitepress,
    )


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {name: _function(name) for name in SIGNS}
)
"""Function -> what documents know of it, in the order of the legend."""

FEELINGS = frozenset(_FEELINGS.split())
"""Symbols that say how somebody feels, or cheer; each in its exact presentation."""
