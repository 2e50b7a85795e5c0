"""Names, addresses and telephone numbers as Chinese offices write them, brought to one form for comparison."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_BLANK = re.compile(r"[\s\u200b\ufeff]+")
_OTHER = re.compile(r"[·•・‧∙.,，。、\"'“”‘’\-—_/\\《》<>]")
_BRACKETS = re.compile(r"[(\[【〔]([^)\]】〕]*)[)\]】〕]")
SUFFIXES = (
    "股份有限责任公司",
    "有限责任公司",
    "股份有限公司",
    "集团有限公司",
    "有限公司",
    "个人独资企业",
    "有限合伙",
    "普通合伙",
    "合伙企业",
    "股份公司",
    "集团公司",
    "总公司",
    "分公司",
    "集团",
    "公司",
)
"""Longest first. A branch keeps its word in the core: it is not its parent."""
_KEPT = {"分公司": "分公司"}
_REGION = re.compile(
    r"^(中国|[\u4e00-\u9fff]{2,3}(?:省|自治区))?([\u4e00-\u9fff]{2,4}?市)?([\u4e00-\u9fff]{2,4}?[区县])?"
)
_BARE = re.compile(r"^(海南|海口|三亚|儋州|琼海|文昌|万宁|东方|北京|上海|广州|深圳|广东|天津|重庆)")
_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_ROMAN = {"幢": "栋", "座": "栋", "号楼": "栋", "室": "", "房": "", "号": "号"}


@dataclass(frozen=True, slots=True)
class FirmName:
    """A firm's name in its parts."""

    core: str
    """What is left without region, legal form and brackets: the name proper with the trade."""
    form: str
    """Legal form; empty where the name does not tell it."""
    region: str
    """Region told in the name, without 省, 市 and the like."""


def plain(text: str | None) -> str:
    """NFKC, without blanks."""
    return _BLANK.sub("", unicodedata.normalize("NFKC", text or "")).upper()


def firm_name(text: str | None) -> FirmName:
    """A firm's name in its parts.

    >>> firm_name("海南 甲建设（集团）有限责任公司")
    FirmName(core='甲建设', form='有限责任公司', region='海南')
    """
    told = plain(text)
    inside = _BRACKETS.findall(told)
    told = _OTHER.sub("", _BRACKETS.sub("", told))
    form = ""
    found = True
    while found:
        found = False
        for suffix in SUFFIXES:
            if told.endswith(suffix) and len(told) > len(suffix):
                form = form or suffix
                kept = _KEPT.get(suffix, "")
                told = told.removesuffix(suffix)
                found = not kept
                told += kept
                break
    region = ""
    for pattern in (_REGION, _BARE):
        hit = pattern.match(told)
        if hit and hit.group(0) and len(told) - len(hit.group(0)) >= 2:
            region = region or re.sub(r"(省|市|区|县|自治区)$", "", hit.group(0))
            told = told[len(hit.group(0)) :]
    if not region:
        region = next((re.sub(r"(省|市|区|县)$", "", one) for one in inside if _BARE.match(one)), "")
    return FirmName(told, form, region)


def person_name(text: str | None) -> str:
    """A person's name without blanks and with one kind of dot; empty where none is told."""
    return re.sub(r"[•・‧∙.]", "·", plain(text))


def phone(text: str | None) -> str:
    """Digits of a telephone number without the country code; empty where it is none.

    >>> phone("+86 138-0000-0001"), phone("(0898) 6600 0001 转 12")
    ('13800000001', '089866000001')
    """
    told = re.split(r"转|EXT|#|X", plain(text))[0]
    digits = re.sub(r"\D", "", told)
    digits = re.sub(r"^(0086|86)(?=1\d{10}$|0?\d{9,11}$)", "", digits)
    return digits if 7 <= len(digits) <= 12 and len(set(digits)) > 2 else ""


def address(text: str | None) -> str:
    """An address without province and city, Chinese numerals as digits, one word for a building.

    >>> address("海南省海口市龙华区金鹿路十二号 3幢201室") == address("龙华区金鹿路12号3栋201")
    True
    """
    told = _OTHER.sub("", _BRACKETS.sub("", plain(text)))
    told = re.sub(r"^([\u4e00-\u9fff]{2,3}(省|自治区))?([\u4e00-\u9fff]{2,3}市)?", "", told)
    told = re.sub(r"[〇零一二三四五六七八九十百]+(?=[号栋幢座楼层室巷弄单])", _number, told)
    for word, one in _ROMAN.items():
        told = re.sub(rf"(?<=\d){word}", one, told)
    return told


def _number(found: re.Match[str]) -> str:
    """Chinese numerals below a thousand as digits."""
    told = found.group(0)
    if "十" not in told and "百" not in told:
        return told.translate(_DIGITS)
    total, rest = 0, told
    if "百" in rest:
        hundreds, rest = rest.split("百", 1)
        total += 100 * int(hundreds.translate(_DIGITS) or 1)
    if "十" in rest:
        tens, rest = rest.split("十", 1)
        total += 10 * int(tens.strip("零〇").translate(_DIGITS) or 1)
    return str(total + int(rest.strip("零〇").translate(_DIGITS) or 0))
