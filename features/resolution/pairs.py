"""Labelled records for measuring resolution: made-up firms and persons, each told several times as offices do.

Spelling, brackets, legal form, full-width digits, telephone prefixes, Chinese numerals in addresses and missing or
mistyped values vary; near namesakes (a sister firm at the same address, a parent and child in one home) are there on
purpose. Nothing here is taken from a real person or firm.
"""

from __future__ import annotations

import random
from typing import Any

from features.resolution.codes import CREDIT_DIGITS, citizen_check, credit_check
from features.resolution.links import Kind

Row = dict[str, Any]
_ONE = "甲金海宏天盛华信达瑞恒泰永安博远中联新正"
_TWO = "鹿峰源业程通和昌兴茂辉凯德邦力创航宇诚美"
_TRADES = ("建设工程", "商贸", "园林绿化", "医药", "信息技术", "物业服务", "食品", "建筑设计", "环保科技", "劳务")
_FORMS = ("股份有限公司", "有限责任公司", "有限公司")
_ROADS = ("金鹿路", "海府路", "秀英大道", "龙昆南路", "国兴大道", "滨海大道", "南海大道", "丘海大道")
_FAMILY = "王李张刘陈杨黄吴林符邢周郑冯苏"
_GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超霞平刚桂文海玉建国春秋志"
_AREAS = ("460105", "460106", "460107", "460108")
_NUMERALS = "零一二三四五六七八九"


def labelled(kind: Kind, entities: int, seed: int) -> tuple[list[Row], dict[str, int]]:
    """Raw records, and for each the entity that it tells of."""
    chance = random.Random(seed)
    rows: list[Row] = []
    truth: dict[str, int] = {}
    make = _firm if kind == "firm" else _person
    spoil = _spoilt_firm if kind == "firm" else _spoilt_person
    last: Row = {}
    names: set[str] = set()
    for number in range(entities):
        near = last if last and chance.random() < 0.15 else None
        whole = make(chance, near)
        while kind == "firm" and _registered(whole) in names:
            whole = make(chance, None)
        names.add(_registered(whole))
        last = whole
        for copy in range(chance.choice((1, 1, 2, 2, 3))):
            record = f"{kind}-{number}-{copy}"
            rows.append({"record": record, **(spoil(chance, whole) if copy else whole)})
            truth[record] = number
    chance.shuffle(rows)
    return rows, truth


def _registered(firm: Row) -> str:
    """What no two firms of one region share: the register refuses a second one of the same name."""
    name: str = firm["name"]
    for form in _FORMS:
        name = name.removesuffix(form)
    return name


def _firm(chance: random.Random, near: Row | None) -> Row:
    area = near["region"] if near else chance.choice(_AREAS)
    head = "91" + area + "MA5" + "".join(chance.choice(CREDIT_DIGITS) for _ in range(6))
    core = chance.choice(_ONE) + chance.choice(_TWO) + chance.choice(("", chance.choice(_TWO)))
    # A sister firm: the same word with another trade, often at the same address.
    core = near["name"].removeprefix("海口")[:2] if near else core
    return {
        "code": head + credit_check(head),
        "name": f"海口{core}{chance.choice(_TRADES)}{chance.choice(_FORMS)}",
        "region": area,
        "phone": f"0898{chance.randrange(60_000_000, 69_999_999)}",
        "address": near["address"] if near and chance.random() < 0.5 else _address(chance),
        "representative": _name(chance),
    }


def _spoilt_firm(chance: random.Random, whole: Row) -> Row:
    told = dict(whole)
    name = whole["name"].removeprefix("海口")
    if chance.random() < 0.5:
        name = name.replace("有限责任公司", "有限公司") if "责任" in name else name.replace("有限公司", "有限责任公司")
    if chance.random() < 0.12:
        name = name[:1] + chance.choice(_TWO) + name[2:]
    told["name"] = chance.choice(
        (f"海口{name}", f"海口市{name}", f"{name}", f"{name[:2]}（海口）{name[2:]}", f"海南省海口{name}")
    )
    told["code"] = _maybe(chance, whole["code"], 0.25, wide=True)
    told["phone"] = chance.choice((whole["phone"], f"0898-{whole['phone'][4:]}", f"+86 {whole['phone']}", None))
    told["address"] = _retold(chance, whole["address"])
    told["representative"] = _maybe(chance, whole["representative"], 0.8)
    return told


def _person(chance: random.Random, near: Row | None) -> Row:
    year, month, day = chance.randrange(1940, 2010), chance.randrange(1, 13), chance.randrange(1, 29)
    area = chance.choice(_AREAS)
    head = f"{area}{year}{month:02d}{day:02d}{chance.randrange(1, 1000):03d}"
    name = _name(chance)
    return {
        "code": head + citizen_check(head),
        # Of one home: the family name, the address and the telephone are shared.
        "name": near["name"][0] + name[1:] if near else name,
        "birth": f"{year}-{month:02d}-{day:02d}",
        "sex": "M" if int(head[16]) % 2 else "F",
        "region": area,
        "phone": near["phone"] if near else f"1{chance.choice('3589')}{chance.randrange(10**8, 10**9)}",
        "address": near["address"] if near else _address(chance),
        "household": None,
    }


def _spoilt_person(chance: random.Random, whole: Row) -> Row:
    told = dict(whole)
    told["code"] = _maybe(chance, whole["code"], 0.25, wide=True)
    told["name"] = " ".join(whole["name"]) if chance.random() < 0.3 else whole["name"]
    if chance.random() < 0.06:
        told["name"] = whole["name"][:-1] + chance.choice(_GIVEN)
    if chance.random() < 0.06:
        told["birth"] = f"{whole['birth'][:8]}{chance.randrange(1, 29):02d}"
    phone = str(whole["phone"])
    told["phone"] = chance.choice((phone, f"+86{phone}", f"{phone[:3]} {phone[3:7]} {phone[7:]}", None))
    told["address"] = _retold(chance, whole["address"])
    return told


def _name(chance: random.Random) -> str:
    return chance.choice(_FAMILY) + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))


def _address(chance: random.Random) -> str:
    number, house, room = chance.randrange(1, 99), chance.randrange(1, 20), chance.randrange(101, 2800)
    return f"龙华区{chance.choice(_ROADS)}{number}号{house}栋{room}室"


def _retold(chance: random.Random, told: str) -> str | None:
    if chance.random() < 0.1:
        return None
    if chance.random() < 0.3:
        told = "".join(_wide(one) for one in told)
    if chance.random() < 0.4:
        told = told.replace("栋", chance.choice(("幢", "座", "号楼")))
    if chance.random() < 0.3:
        told = told.replace("室", "")
    return f"海南省海口市{told}" if chance.random() < 0.5 else told


def _maybe(chance: random.Random, told: str, likely: float, wide: bool = False) -> str | None:
    if chance.random() >= likely:
        return None
    return "".join(_wide(one) for one in told) if wide and chance.random() < 0.3 else told


def _wide(one: str) -> str:
    return chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one
