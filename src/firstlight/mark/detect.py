"""What speaks for each function of a block: its words, its mood, what stands around it.

Every detector is a function from a page to scores, so another one (a trained model)
can stand beside these or in their place; see `Detector`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from firstlight.finding import Span
from firstlight.lexicon.cues import STRONG
from firstlight.mark.context import by_block, heading_of, is_command, is_of_changes
from firstlight.mark.hazard import hazards
from firstlight.markdown.page import Page
from firstlight.markdown.sentences import sentences

__all__ = ["DETECTORS", "Detector", "Score", "by_hazard", "by_heading", "by_speech"]


class Score(NamedTuple):
    """How sure it is that a block has a function, and why.

    `span` is the part of the block that the function belongs to.
    """

    block: int
    span: Span
    function: str
    confidence: float
    reason: str


class Detector(Protocol):
    """Scores the blocks of a page; the same page gets the same scores."""

    def __call__(self, page: Page, /) -> Iterable[Score]:
        """Yield the scores, in any order; a block may have several."""


# Hazards


def by_hazard(page: Page) -> Iterator[Score]:
    """Yield the dangers and warnings; a limit is no mark of its own."""
    for hazard in page.once(hazards):
        if hazard.severity != "limit":
            yield Score(
                hazard.block,
                hazard.span,
                hazard.severity,
                hazard.confidence,
                hazard.reason,
            )


# Headings

_HEADINGS: Mapping[str, re.Pattern[str]] = {
    "action": re.compile(
        r"(?:install(?:ing|ation)?|configur(?:e|ing|ation)|set ?up|setting up|deploy"
        r"(?:ing|ment)?|upgrad(?:e|ing)|uninstall(?:ing)?)\b"
        r"|(?:安装|配置|部署|搭建|升级|卸载)"
        r"(?!选项|说明|管理|概念|项|文件|参数|修改|示例|和|与)(?!要求|架构|方案|方式)"
    ),
    "troubleshooting": re.compile(
        r"(?:troubleshoot\w*|debugging|faq|common (?:errors|problems|issues))\b"
        r"|(?:故障|常见问题|常见错误|问题排查|排错|排查)"
    ),
    "security": re.compile(
        r"(?:security|(?:file )?permissions)\b(?![.-]| contact)"
        r"|(?:安全|权限)(?!起见|组|认证|规则)"
    ),
    "access": re.compile(
        r"(?:log(?:ging)? ?in|sign(?:ing)? in|remote access"
        r"|access (?:over|via|with|through|from|by)|ssh"
        r"|connect(?:ing)? (?:over|via|with))\b"
        r"|登录(?!验证|流程|管理|设备|日志)|远程(?:登录|连接|访问)"
        r"|ssh ?(?:登录|连接|访问)"
    ),
    "performance": re.compile(
        r"(?:performance|benchmarks?|optimi[sz](?:e|ing|ation)|tuning"
        r"|speed(?:ing)? up)\b"
        r"|(?:性能|优化|调优|加速|基准测试)"
    ),
    "data": re.compile(r"(?:data|datasets?|results|measurements|数据集?|结果)\Z"),
}
"""Function -> how the headings of its sections begin."""
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)*[.)、]?|[一二三四五六七八九十]+、)\s*")
_DEEPEST = 3


def by_heading(page: Page) -> Iterator[Score]:
    """Yield headings that begin with the word of a function; never a title."""
    for number in page.numbers("heading"):
        block = page.blocks[number]
        function = function_of_heading(page, number)
        if function and block.value > 1 and not is_of_changes(page, number):
            sure = 0.9 if block.value <= _DEEPEST else 0.7
            word = page.text(block)
            yield Score(
                number, block.text, function, sure, f"the heading says “{word}”"
            )


def function_of_heading(page: Page, number: int) -> str:
    """Return the function that a heading names, or ""."""
    text = page.text(page.blocks[number]).lower()
    found = _NUMBER.match(text)
    at = found.end() if found else 0
    for function, pattern in _HEADINGS.items():
        if pattern.match(text, at):
            return function
    return ""


# Paragraphs


@dataclass(frozen=True, slots=True)
class _Look:
    """A paragraph as the detectors see it: its first sentence, and its neighbours."""

    text: str
    shown: str
    cues: Mapping[str, frozenset[str]]
    sentences: int
    follows_command: bool
    leads_to_command: bool
    is_step: bool
    is_item: bool
    heading: str


_Answer = tuple[float, str] | None


def by_speech(page: Page) -> Iterator[Score]:
    """Yield paragraphs whose first sentence speaks for a function."""
    for number, kinds in page.once(by_block).items():
        if page.blocks[number].kind != "paragraph" or _RELEVANT.isdisjoint(kinds):
            continue
        look = _look(page, number)
        for function, ask in _ASKED.items():
            answer = ask(look)
            if answer is not None:
                span = page.blocks[number].text
                yield Score(number, span, function, answer[0], answer[1])


def _look(page: Page, number: int) -> _Look:
    spans = sentences(page, number)
    first = spans[0] if spans else page.blocks[number].text
    kinds = page.once(by_block).get(number, {})
    before, after = page.siblings(number)
    heading = heading_of(page, number)
    return _Look(
        text=page.prose[first.start : first.end].decode("utf-8", "replace").lower(),
        shown=page.read(first).lower(),
        cues={
            kind: frozenset(
                cue.word
                for cue in several
                if cue.weight == STRONG and cue.start < first.end
            )
            for kind, several in kinds.items()
        },
        sentences=len(spans),
        follows_command=is_command(page, before),
        leads_to_command=is_command(page, after),
        is_step=_is_step(page, number),
        is_item=page.is_inside(number, "item"),
        heading=page.text(page.blocks[heading]).lower() if heading >= 0 else "",
    )


def _is_step(page: Page, number: int) -> bool:
    around = [block for block in page.around(number) if block.kind == "list"]
    return bool(around) and around[0].value is not None


_SHORT = 3
"""Sentences of a paragraph that may be one mark."""

_RESULT = re.compile(
    r"you (?:should|will)(?: now)? (?:see|get|find)|(?:you|we) can(?: now)? see"
    r"|you['’]ll (?:now )?see|(?:the )?(?:expected|sample|example) (?:output|result)"
    r"|(?:the|its?) .{0,40}?(?:output|result|response|log)s? "
    r"(?:should|will|looks|shows|is (?:as|similar|the))\b|output\b"
    r"|(?:(?:这时|此时|之后|然后)，?)?(?:你|您)?"
    r"(?:应该?(?:能|会|可以)?|将会?|会|可以|即可|就能)看到"
    r"|(?:命令)?(?:的)?(?:输出|结果|返回|响应)"
    r"(?:应|如下|为|类似|结果|示例|应该)"
    r"|(?:预期|期望)(?:输出|结果)|(?:显示|打印|看到)(?:如下|以下|类似)"
)
_SHOWS = re.compile(
    r"(?:this|it|(?:the )?[\w.`-]+(?: (?:command|program|script|server|page))?)"
    r" (?:now |should )?"
    r"(?:prints?|shows|displays|outputs|reports|returns|answers with)\b"
    r"|[^，。；]{1,10}(?:会|应|将|应该)(?:显示|打印|输出|返回|提示)"
)
_PURPOSE = re.compile(r"(?:to|in order to|for)\b|(?:为了|要|若要|如需|如果想)")


def _success(look: _Look) -> _Answer:
    if look.sentences > _SHORT or _PURPOSE.match(look.text):
        return None
    if _RESULT.match(look.text):
        if look.follows_command:
            return 0.95, "tells what the command before it shows"
        return (0.8, "tells what one sees after a step") if look.is_step else None
    if look.follows_command and _SHOWS.match(look.text):
        return 0.92, "says what the command before it prints"
    return None


_TIP = re.compile(
    r"(?:we|i) (?:strongly |highly )?(?:recommend|suggest|advise)"
    r"|it (?:is|['’]s) (?:strongly |highly )?recommended (?:to|that)"
    r"|consider (?:using|setting|adding|enabling|running)"
    r"|(?:我们)?(?:强烈)?(?:建议(?!值|按照|如下)|推荐(?:使用|采用|安装|将|把|在|先|您|你))"
)


def _tip(look: _Look) -> _Answer:
    if look.sentences > _SHORT or not _TIP.match(look.text):
        return None
    return (0.8 if look.is_item else 0.9), "recommends something"


_KEY = re.compile(
    r"(?:please )?(?:make sure|be sure|ensure) |you must (?!not|never)"
    r"|(?:don['’]t|do not) forget|(?:请)?(?:确保|务必|一定要|切记)"
)
_NEEDED = re.compile(
    r"\bmust\b(?! not)|\b(?:is|are) required\b|\brequires\b"
    r"|必须|必需|至少|需要?(?:先)?(?:安装|装有|具备)"
)
_REQUIREMENTS = re.compile(
    r"(?:(?:system |hardware |software )?requirements|prerequisites?|what you need"
    r"|before you (?:start|begin))\b"
    r"|(?:环境|系统|硬件|软件)?要求|(?:前提|前置|先决)条件|准备(?:工作)?\Z|开始之前|使用之前"
)


def _key(look: _Look) -> _Answer:
    if look.sentences > _SHORT:
        return None
    if _REQUIREMENTS.match(look.heading) and _NEEDED.search(look.text):
        return (0.75 if look.is_item else 0.9), "a requirement"
    if _KEY.match(look.text):
        return (0.75 if look.is_item else 0.9), "nothing works without it"
    return None


_NOTE = re.compile(
    r"(?:please )?(?:note|keep in mind|be aware|bear in mind)(?: also)? that\b"
    r"|it is worth noting|(?:请|需要?|值得)注意(?:的是|(?!的|事项|力))"
)


def _note(look: _Look) -> _Answer:
    if look.sentences > _SHORT or not _NOTE.match(look.text):
        return None
    return (0.8 if look.is_item else 0.9), "asks to note something"


_THIS_MACHINE = re.compile(r"127\.0\.0\.1|\blocalhost\b|(?<![\w:])::1\b")
_ONLY = re.compile(r"\bonly\b|仅|只")
_ENOUGH = 3


def _security(look: _Look) -> _Answer:
    if _THIS_MACHINE.search(look.shown) and _ONLY.search(look.text):
        return 0.9, "limits access to this machine"
    found = look.cues.get("security", frozenset())
    if len(found) >= _ENOUGH:
        return 0.8, _told(found)
    return None


_OPENS = re.compile(
    r"(?:(?:then|now|next|finally),? )?(?:open|visit|go to|navigate to|browse to)\b"
    r"|(?:然后|接着|现在|最后|请)?(?:打开|访问|(?:在|用)浏览器[^，。]{0,6}(?:打开|输入|访问))"
)
_SCREEN = re.compile(
    r"browser|https?:|\blocalhost\b|web ?(?:ui|page|interface)|dashboard"
    r"|浏览器|网页|网址|界面|控制台页面"
)


def _interface(look: _Look) -> _Answer:
    if look.leads_to_command or not _OPENS.match(look.text):
        return None
    return (0.92, "opens something to look at") if _SCREEN.search(look.shown) else None


_LOGS_IN = re.compile(
    r"(?:log in|sign in|ssh into|connect)\b"
    r"|(?:使用|通过|用)?.{0,12}(?:登录|登入|远程连接)"
)


def _access(look: _Look) -> _Answer:
    found = look.cues.get("access", frozenset())
    if not _LOGS_IN.match(look.text) or len(found) < 2:
        return None
    return (0.85 if look.leads_to_command else 0.75), _told(found)


_FAILS = re.compile(
    r"if you (?:see|get|encounter|run into|receive|hit) (?:an?|the|this|any)\b"
    r"[^,]{0,60}(?:error|warning|problem|message|exception|failure)s?\b[^,]*,"
    r"|if (?:the|your|_)[^,]{1,60} (?:fails|shows an error|crashes"
    r"|does not (?:start|work|run|appear|respond))\b[^,]*,"
    r"|(?:如果|若|如)(?:你|您)?(?:遇到|出现|收到|看到|提示)[^，]{0,30}"
    r"(?:报错|错误|失败|问题|异常)[^，]*，"
)
_MENDS = re.compile(
    r" (?:then |please )?(?:try|check|make sure|run|see|look|restart|reinstall|install"
    r"|set|update|remove|verify|ensure|add|use|open|increase|reduce|you (?:can|need))\b"
    r"|(?:请|可以?|需要?|检查|尝试|参考|参见|查看|重新|重启|确认)"
)


def _troubleshooting(look: _Look) -> _Answer:
    found = _FAILS.match(look.text)
    if not found or not _MENDS.match(look.text, found.end()):
        return None
    if look.sentences > _SHORT + 1:
        return None
    return (0.8 if look.is_item else 0.9), "says what to do about an error"


def _performance(look: _Look) -> _Answer:
    found = look.cues.get("performance", frozenset())
    return (0.8, _told(found)) if len(found) >= _ENOUGH else None


def _data(look: _Look) -> _Answer:
    found = look.cues.get("data", frozenset())
    return (0.75, _told(found)) if len(found) >= _ENOUGH else None


def _action(look: _Look) -> _Answer:
    found = look.cues.get("imperative", frozenset())
    is_order = any(look.text.startswith(word) for word in found)
    if not is_order or not look.leads_to_command:
        return None
    # The number of a step says the same already.
    return (0.6 if look.is_step else 0.75), "an order, and the command after it"


def _told(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in sorted(words)[:4])


_ASKED: Mapping[str, Callable[[_Look], _Answer]] = {
    "success": _success,
    "key": _key,
    "troubleshooting": _troubleshooting,
    "security": _security,
    "access": _access,
    "interface": _interface,
    "tip": _tip,
    "note": _note,
    "performance": _performance,
    "data": _data,
    "action": _action,
}
_RELEVANT = frozenset((*_ASKED, "result", "imperative", "limit"))

DETECTORS: tuple[Detector, ...] = (by_hazard, by_heading, by_speech)
"""Those that firstlight uses."""
