"""Names of invented institutions, offices and firms."""

from __future__ import annotations

import numpy as np

_FIRST = "瑞恒鼎盛华康泰博安信德润嘉同正远宏景旭凯益佳诚永万金天海云汇中联智新光启源达丰利"
_SECOND = "峰源通达洁丰盛航宇辰创邦和泽林川腾跃昌隆顺祥力升翔捷威铭晟睿朗"
_HOSPITALS = ("仁和", "康宁", "惠民", "同德", "博爱", "安泰", "济民", "长宁", "福康", "明德", "众康", "和睦")
_PLACES = (
    "新港",
    "青石",
    "白沙",
    "长堤",
    "榕树",
    "沙洲",
    "竹园",
    "枫林",
    "石桥",
    "柳河",
    "梅溪",
    "荷塘",
    "望江",
    "龙湾",
)
_VILLAGES = "东西南北上下前后大小"
_VILLAGE_ENDS = ("塘村", "坡村", "岭村", "溪村", "井村", "坝村")


def two_signs(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different two-character trade names."""
    every = np.array([first + second for first in _FIRST for second in _SECOND])
    return [str(one) for one in rng.choice(every, size=count, replace=False)]


def hospital_names(rng: np.random.Generator, level: int, districts: list[str], private: list[bool]) -> list[str]:
    """Names of hospitals and health centres of one level."""
    names = []
    signs = rng.permutation(len(_HOSPITALS) * len(_PLACES))
    for number, (district, own) in enumerate(zip(districts, private, strict=True)):
        sign, place = _HOSPITALS[signs[number] % len(_HOSPITALS)], _PLACES[signs[number] // len(_HOSPITALS)]
        if own:
            names.append(f"{district}{place}{sign}医院")
        elif level == 3:
            names.append(f"云汀市第{'一二三四五六七八九十'[number % 10]}人民医院")
        elif level == 2:
            names.append(f"{district}{place}人民医院" if number % 3 else f"{district}{place}中医医院")
        else:
            names.append(f"{district}{place}{'社区卫生服务中心' if number % 2 else '镇卫生院'}（{number + 1}）")
    return names


def clinic_names(rng: np.random.Generator, districts: list[str]) -> list[str]:
    """Names of private clinics."""
    kinds = ("中医诊所", "内科诊所", "综合门诊部", "口腔内科诊所")
    signs = two_signs(rng, len(districts))
    return [f"{one}{sign}{kinds[number % 4]}" for number, (one, sign) in enumerate(zip(districts, signs, strict=True))]


def village_names(districts: list[str]) -> list[str]:
    """Names of village clinics."""
    return [
        f"{one}{_VILLAGES[number % 10]}{_VILLAGE_ENDS[number // 10 % 6]}卫生室" for number, one in enumerate(districts)
    ]


def pharmacy_names(rng: np.random.Generator, districts: list[str]) -> list[str]:
    """Names of retail pharmacies."""
    return [f"{sign}大药房{one}店" for sign, one in zip(two_signs(rng, len(districts)), districts, strict=True)]


def firm_names(rng: np.random.Generator, trades: list[str]) -> list[str]:
    """Names of firms, each with its trade in the name."""
    ends = ("有限公司", "有限责任公司", "股份有限公司")
    signs = two_signs(rng, len(trades))
    picked = rng.choice(3, size=len(trades), p=(0.85, 0.1, 0.05))
    return [f"云汀{sign}{trade}{ends[end]}" for sign, trade, end in zip(signs, trades, picked, strict=True)]


def buyer_names(count: int) -> list[str]:
    """Names of public buyers: city and district bureaus, schools and state firms."""
    bodies = (
        "卫生健康",
        "教育",
        "市政园林",
        "城市管理",
        "交通运输",
        "民政",
        "住房和城乡建设",
        "农业农村",
        "文化旅游",
        "水务",
    )
    seats = ("云汀市", "东洲区", "南浦区", "西桥区", "北岭区", "云汀高新区")
    every = [f"{seat}{body}局" for body in bodies for seat in seats]
    return every[:count]
