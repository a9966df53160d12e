"""Sentences that tell of harm, found by what follows from them and never by tone.

"Removing the volume permanently deletes every file" is a danger without any loud word,
"Attention: there is a new page" is none. The words of consequence are cues of the
lexicon; the structure around them says whether the reader can bring the harm about.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from firstlight.finding import Span
from firstlight.lexicon.cues import STRONG, Cue
from firstlight.mark.context import RISKY, is_of_changes, sentence_at
from firstlight.markdown import cues as page_cues
from firstlight.markdown.page import Page

__all__ = ["SEVERITIES", "Hazard", "hazards"]

SEVERITIES: Mapping[str, str] = {
    "loss": "danger",
    "irreversible": "danger",
    "exposure": "danger",
    "cost": "danger",
    "hardware": "danger",
    "failure": "warning",
    "wrong-result": "warning",
    "downtime": "warning",
    "conflict": "warning",
    "limit": "limit",
    "deprecated": "limit",
    "experimental": "limit",
}
"""Kind of consequence -> how bad it is: the worst of a sentence counts."""

_RANKS = ("limit", "warning", "danger")
_SURE = 0.98
_LIKELY = 0.6
"""Less is not worth a reader's time."""
_ANOTHER_KIND = 0.1
_LONGEST = 2000
"""Bytes: what goes on for longer is no sentence, and would take long to judge."""

_OWNED = re.compile(
    r"\b(?:data|files?|work|changes|volumes?|disks?|databases?|tables?|notebooks?"
    r"|checkpoints?|models?|weights|backups?|repositor(?:y|ies)|images?|containers?"
    r"|snapshots?|content|contents|everything|history|commits?|partitions?|director"
    r"(?:y|ies)|folders?|secrets?|keys?|tokens?|accounts?)\b"
    r"|数据|文件|更改|修改|内容|卷|磁盘|硬盘|分区|数据库|笔记本|检查点|模型|权重|备份|仓库"
    r"|镜像|容器|快照|目录|历史|提交|密钥|令牌|账号|配置|一切"
)
"""What a reader has, and would miss."""
_SEVERE = re.compile(
    r"\b(?:crash|hangs?\b|deadlock|out of memory|oom\b|corrupt|panic|kill|break"
    r"|unusable|locked out|data race|lose access|stop working|infinite)"
    r"|崩溃|死锁|卡死|溢出|不可用|中断|蓝屏|死循环"
)

_OUTLOOK = re.compile(r"\b(?:will|would|may|might|could)\b|会|将|可能")
_SUPPORT = (
    (
        "prohibition",
        0.35,
        re.compile(
            r"(?:(?:\A|[.;:—(]\s*|\b(?:please|and|but|so|therefore|also|just)\s+)"
            r"(?:do not|don['’]t|never|avoid)|,\s*(?:do not|don['’]t))\b"
            r"(?! (?:worry|forget|want|need|have|know|even))"
            r"|\byou (?:must|should|may|shall) ?(?:never|not|n['’]t)\b(?! have| need)"
            r"|\byou (?:mustn|shouldn)['’]t\b(?! have| need)"
            r"|\b(?:must|should) (?:not|never) be\b"
            r"|请勿|切勿|不要|(?:\A|[，。；：、（(*]|请|并)禁止|严禁|不得(?!不|包含)|千万"
            r"|不应(?!该?(?:出现|陷入|会|是|有|访问|允许))|(?<!以)勿"
            r"|请?避免(?:在|将|使用|对|直接)"
        ),
    ),
    (
        "needed",
        0.35,
        re.compile(
            r"\b(?:must|make sure|be sure|ensure|(?<!no longer )need to|please|back up"
            r"|care|careful|caution|cautious|important|should)\b.*?"
            r"(?:\botherwise\b|\bor else\b|[,;] (?:as|since)\b|\bbecause\b"
            r"|[,;] or\b[^,.;]*\b(?:will|would|may|might|can|could)\b)"
            r"|(?:请|务必|必须|需要|需|应|应该|确保|谨慎|注意|小心|记得|一定|不要|勿|不能)"
            r".*?(?:否则|不然|以免|因为)"
        ),
    ),
    (
        "condition",
        0.25,
        re.compile(
            r"\b(?:if|when|once|after|before|unless|until|whenever) (?:you|your)\b"
            r"(?!(?:['’]d)?(?: would| really)? (?:want|wish|need|like|prefer|found"
            r"|are|have|suspect|can|know|encounter|see|get)\b|['’])"
            r"|(?:如果|若|一旦|当)(?!需)(?:你|您)?[^，。]{0,16}(?:删除|修改|更改|关闭|停止"
            r"|强制|忘记|没有备份|未备份|未保存|不(?:这样|这么)做)"
        ),
    ),
    (
        "act",
        0.25,
        re.compile(
            r"\A\W*(?:delet|remov|eras|overwrit|prun|purg|wip|destroy|format|clean"
            r"|clear|drop|reset|stopp|kill|disabl|enabl|skipp|forc|chang|edit|modify|mov"
            r"|renam|upgrad|downgrad|uninstall|reinstall|restart|shar|expos|publish"
            r"|commit|runn|switch|migrat|detach|revok)ing\b"
            r"|\A\W*(?:this|the(?: following)?) (?:command|operation|action|step|script"
            r"|procedure)\b|\A\W*this (?:will |also )*permanently\b"
            r"|\A(?:该|此|这个|本|这一|以下|上述)(?:操作|命令|步骤|动作)"
            r"|\A(?:删除|移除|卸载|重置|清理|清空|停止|关闭|修改|更改|升级|降级|执行"
            r"|格式化|迁移|切换|强制(?:删除|卸载|终止|停止|关闭|降级|推送|重启))"
            r"(?!过程|期间|成功|完成|任务)"
        ),
    ),
    ("outlook", 0.05, _OUTLOOK),
    (
        "for good",
        0.1,
        re.compile(
            r"\bpermanently\b|irreversibl"
            r"|\bcan(?:not|['’]t) be (?:undone|recovered|restored)"
            r"|永久(?!区|代)|无法恢复|不可恢复|不可逆|无法撤销|彻底"
        ),
    ),
)
"""What makes a consequence the reader's, and how much surer that makes us."""
_RISKY_COMMAND = 0.2

_DOUBT = (
    re.compile(
        r"\b(?:we|our|let['’]s|for example|for instance|e\.g\.|imagine|suppose)\b"
    ),
    re.compile(r"例如|比如|假设|我们(?!建议|强烈|推荐)"),
    re.compile(r"\A.{260}|\A(?=.*[一-鿿]).{110}", re.DOTALL),
)
"""Explanations and examples: the harm is somebody else's."""
_LESS = 0.25

_NO_HAZARD = re.compile(
    r"[?？]\W*\Z"
    r"|\A\W*(?:fix(?:ed|es)?|resolved?|added?|improved?|removed|changed|support)\b"
    r"|\A(?:修复|解决|新增|优化|改进|支持)"
)
"""Questions, and what a list of changes says."""

_CONDITION = re.compile(
    r"(?:\A|[,;:(，；：])\s*(?:(?:and|or|but|so) )?"
    r"(?:if|when|whenever|in case|unless|where|while|as|for)\b[^,;]*\Z"
    r"|(?:如果|若|当|假如|万一|倘若|遇到|出现|发生)[^，；,;]*\Z"
    r"|\bunless\b[^,;]*\Z"
)
_INSTRUCTION = re.compile(
    r"(?:\A|\b(?:to|can|could|must|should|need|and|then|you may)"
    r"(?: (?:also|only|then))?)\W*\Z"
    r"|(?:\A|请|可以|可|需要|需|要|用于|来|再|然后|，|并|能)\Z"
)
_ORDERED = re.compile(
    r"(?:delete|remove|erase|wipe|destroy|overwrite|discard|format|expose|reveal|disable"
    r"|drop|truncate|stop|kill|restart|清空|清除|删除|擦除|销毁|覆盖|格式化|停止|移除)"
    r"(?!s\b|ing\b|d\b)"
)
"""An order or a purpose, not what follows: "to delete all files"."""
_FAINT = re.compile(
    r"\A(?!any|every).*\b(?:a|an|the|your|some|any|in|to|with|if|when)\Z"
    r"|\bbreaking changes?\Z|\bin development\Z|\bunencrypted\Z"
    r"|所有人都可以|\b(?:do not|don't|never) mix\Z|security (?:problem|vulnerabilit)"
)
"""Words that tell of harm only together with others, whatever the lexicon says."""
_SETTING = re.compile(
    r"\b(?:settings?|values?|options?|parameters?|propert(?:y|ies)|defaults?|headers?"
    r"|variables?|styles?|flags?)\b|参数|默认|的值|选项|属性|配置项|样式|变量|方法|字段"
)
"""What is overwritten by design: one setting by another."""
_AVOIDED = re.compile(
    r"\b(?:avoid|avoids|avoiding|prevent|prevents|preventing|without|against|no|any)"
    r"(?:\W+\w+){0,2}\W*\Z|(?:\bnot|n['’]t)\W*\Z|不\Z|(?:避免|防止|以免|以防|预防|不会|无|没有|减少|降低)\w{0,6}\Z"
)
_NEGATED = re.compile(
    r"\bnot\b.*\b(?:fail|crash|hang|freeze|deadlock|error|panic|segfault|break|raise|throw"
    r"|stop)\b"
)
_CAUSES = re.compile(r"\b(?:cause|lead to|result in)\Z")
_OVERWRITTEN = re.compile(r"overwr|覆盖")
_QUOTES = (("“", "”"), ("「", "」"), ("『", "』"))


@dataclass(frozen=True, slots=True)
class Hazard:
    """A sentence that tells of harm the reader can bring about.

    `block` is the paragraph it is in, `span` the sentence; `severity` is ``danger``,
    ``warning`` or ``limit``; `cues` are the words that say so, and `reason` all that
    speaks for it.
    """

    block: int
    span: Span
    severity: str
    cues: tuple[str, ...]
    reason: str
    confidence: float


def hazards(page: Page) -> list[Hazard]:
    """Return the hazards of a page in order; ask with `Page.once`."""
    found = []
    for (block, span), cues in sorted(_sentences(page).items()):
        hazard = _judged(page, block, span, cues)
        if hazard is not None:
            found.append(hazard)
    return found


def _sentences(page: Page) -> dict[tuple[int, Span], list[Cue]]:
    """Sentences of paragraphs that strong words of consequence are in."""
    known = page.once(page_cues.harms)
    found: dict[tuple[int, Span], list[Cue]] = {}
    for kind in SEVERITIES:
        for cue in known.get(kind, ()):
            if cue.weight != STRONG or _FAINT.search(cue.word):
                continue
            block = page.at(cue.start)
            if block >= 0 and page.blocks[block].kind == "paragraph":
                span = sentence_at(page, block, cue.start)
                if span.end - span.start <= _LONGEST:
                    found.setdefault((block, span), []).append(cue)
    return found


def _judged(page: Page, block: int, span: Span, cues: list[Cue]) -> Hazard | None:
    text = _read(page, span)
    if _NO_HAZARD.search(text) or is_of_changes(page, block):
        return None
    told = [cue for cue in cues if _is_consequence(page, span, text, cue)]
    if not told:
        return None
    support = _support(page, block, text, told[-1].end - span.start)
    kinds = {cue.kind for cue in told}
    severity = max((SEVERITIES[kind] for kind in kinds), key=_RANKS.index)
    confidence = _weight(text, severity, kinds, set(support))
    confidence += _ANOTHER_KIND * (len(kinds) > 1) + sum(support.values())
    confidence -= _LESS * sum(doubt.search(text) is not None for doubt in _DOUBT)
    if confidence < _LIKELY:
        return None
    words = tuple(dict.fromkeys(cue.word for cue in told))
    reason = ", ".join([*words, *(name for name in support if name != "outlook")])
    sure = round(min(confidence, _SURE), 2)
    return Hazard(block, span, severity, words, reason, sure)


def _support(page: Page, block: int, text: str, upto: int) -> dict[str, float]:
    """What around the consequence makes it the reader's, and how much surer us."""
    # What is needed comes before what follows otherwise.
    before = text.encode()[:upto].decode("utf-8", "replace")
    found = {
        name: more
        for name, more, pattern in _SUPPORT
        if pattern.search(before if name == "needed" else text)
    }
    if _leads_to_risk(page, block):
        found["risky command"] = _RISKY_COMMAND
    return found


def _weight(text: str, severity: str, kinds: set[str], support: set[str]) -> float:
    """How sure the words of consequence alone make us."""
    if severity == "danger":
        if kinds & {"loss", "irreversible", "hardware"}:
            return 0.6 if _OWNED.search(text) else 0.4
        return 0.6 if support & {"prohibition", "act"} else 0.4
    return 0.6 if severity == "warning" and _SEVERE.search(text) else 0.4


def _read(page: Page, span: Span) -> str:
    return page.prose[span.start : span.end].decode("utf-8", "replace").lower()


def _is_consequence(page: Page, span: Span, text: str, cue: Cue) -> bool:
    """Whether a word is what follows: no condition, order or message."""
    before = _read(page, Span(span.start, cue.start))
    return not (
        _is_condition(before, cue.word)
        or (_ORDERED.match(cue.word) and _INSTRUCTION.search(before))
        or (_OVERWRITTEN.search(cue.word) and _SETTING.search(text))
        or _NEGATED.search(cue.word)
        or _AVOIDED.search(before)
        or _is_said(before)
        or (_CAUSES.search(cue.word) and not _SEVERE.search(text))
        # 会丢失的信息: not what follows, but which one.
        or page.data.startswith("的".encode(), cue.end)
        or _is_title(page, cue.start)
    )


def _is_condition(before: str, word: str) -> bool:
    found = _CONDITION.search(before)
    if found is None:
        return False
    return "unless" in found[0] or not _OUTLOOK.search(before + word, found.start())


def _is_title(page: Page, offset: int) -> bool:
    """Whether an offset is in the text of a link, mostly the title of a page."""
    starts = page.once(_links)
    at = bisect_right(starts, offset) - 1
    return at >= 0 and page.inlines("link")[at].end > offset


def _links(page: Page) -> list[int]:
    return [link.start for link in page.inlines("link")]


def _is_said(before: str) -> bool:
    """Whether a quotation is open: somebody's message is no hazard."""
    return bool(before.count('"') % 2) or any(
        before.count(opening) > before.count(closing) for opening, closing in _QUOTES
    )


def _leads_to_risk(page: Page, block: int) -> bool:
    """Whether the next block is a command after which something may be gone."""
    after = page.siblings(block)[1]
    if after < 0 or page.blocks[after].kind not in ("fence", "indented"):
        return False
    text = page.blocks[after].text
    return RISKY.search(page.data, text.start, text.end) is not None
