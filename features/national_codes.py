"""National medical-insurance codes: how each coding is written. Which column follows which is said by a mapping.

The form of a code is checked, and not whether it is on the national list: lists change monthly, forms do not. A source
that uses codes of its own declares no scheme, and nothing is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gnomon.terms import Text


@dataclass(frozen=True, slots=True)
class Scheme:
    """One coding."""

    title: Text
    form: str
    """Regular expression (RE2) that the whole code matches."""
    told: Text
    """The form in words."""


_WESTERN = r"X[A-Z]\d{2}[A-Z]{2}[A-Z]\d{3}[A-Z]\d{12}"
_PATENT = r"Z[A-Z]\d{2}[A-Z]{2}[A-Z]\d{4}\d{9}"
_SLICES = r"T\d{9}"
_DRUG = rf"{_WESTERN}|{_PATENT}|{_SLICES}"
_CONSUMABLE = r"C\d{19}(?:\d{7})?"
_SERVICE = r"\d{15}(?:-\d{9})?"
SCHEMES: dict[str, Scheme] = {
    "nhsa-drug": Scheme(
        Text("医保药品编码", "insurance drug code"),
        _DRUG,
        Text(
            "西药 X 开头共 23 位，中成药 Z 开头共 20 位，中药饮片 T 开头共 10 位",
            "X and 22 more (western), Z and 19 more (patent), T and 9 digits (herbal slices)",
        ),
    ),
    "nhsa-consumable": Scheme(
        Text("医保医用耗材编码", "insurance consumable code"),
        _CONSUMABLE,
        Text("C 开头，后接 19 位或 26 位数字", "C and 19 or 26 digits"),
    ),
    "nhsa-service": Scheme(
        Text("医保医疗服务项目编码", "insurance service-item code"),
        _SERVICE,
        Text("15 位数字，可接“-”与 9 位地方码", "15 digits, and a local part of 9 after a dash where there is one"),
    ),
    "nhsa-item": Scheme(
        Text("医保目录编码", "insurance catalogue code"),
        rf"{_DRUG}|{_CONSUMABLE}|{_SERVICE}",
        Text("药品、耗材或医疗服务项目编码之一", "a drug, consumable or service-item code"),
    ),
    "nhsa-institution": Scheme(
        Text("定点医药机构代码", "designated institution code"),
        r"[HP]\d{11}",
        Text("医疗机构 H、零售药店 P，后接 6 位区划与 5 位顺序码", "H or P, six digits of region, five of order"),
    ),
    "nhsa-staff": Scheme(
        Text("医保医师、护士、药师代码", "insurance code of a doctor, nurse or pharmacist"),
        r"(?:[DN]|H[YJ])\d{12}",
        Text(
            "医师 D、护士 N、药学 HY、技术 HJ，后接 6 位区划与 6 位顺序码",
            "D, N, HY or HJ, six digits of region, six of order",
        ),
    ),
    "nhsa-diagnosis": Scheme(
        Text("医保版疾病诊断代码", "insurance diagnosis code"),
        r"[A-Z]\d{2}\.(?:[\dx]\d{2}(?:x\d{3})?[+*]?|\d\*)",
        Text(
            "ICD-10 医保版：字母、两位数字、点、三位扩展",
            "ICD-10, insurance edition: letter, two digits, dot, three more",
        ),
    ),
    "nhsa-procedure": Scheme(
        Text("医保版手术操作代码", "insurance procedure code"),
        r"\d{2}\.\d{4}(?:x\d{3})?",
        Text("ICD-9-CM-3 医保版：两位数字、点、四位数字", "ICD-9-CM-3, insurance edition: two digits, dot, four more"),
    ),
}
"""By the name that mappings use.

Of the fifteen codings of 医保发〔2019〕39号 those that a contract column holds. HY and HJ: 医保办函〔2022〕39号.
The other forms are those of the codes that the national code platform (code.nhsa.gov.cn) publishes.
"""


def tidied(codes: pa.Array, scheme: str) -> pa.Array:
    """Codes as the platform writes them: half width, capitals, no blanks; the `x` of an ICD place is small."""
    plain = pc.utf8_upper(pc.replace_substring_regex(pc.utf8_normalize(codes, "NFKC"), r"\s+", ""))
    return pc.replace_substring_regex(plain, r"([.\d])X", r"\1x") if "." in SCHEMES[scheme].form else plain


def read(codes: pa.Array, scheme: str) -> tuple[pa.Array, pa.Array]:
    """Codes with those that fit the scheme tidied, and which do not fit; both null where there is no code."""
    tidy = tidied(codes, scheme)
    fits = pc.match_substring_regex(tidy, rf"^(?:{SCHEMES[scheme].form})$")
    return pc.if_else(fits, tidy, codes), pc.invert(fits)


def read_lists(lists: pa.Array, scheme: str) -> tuple[pa.Array, pa.Array]:
    """The same for lists of codes; a list does not fit where any of its codes does not."""
    codes, misfit = read(pc.list_flatten(lists), scheme)
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    rows = pc.list_parent_indices(lists).filter(pc.fill_null(misfit, False))
    odd = pc.is_in(pa.array(range(len(lists)), pa.int64()), rows.cast(pa.int64()).unique())
    return pa.ListArray.from_arrays(offsets, codes, mask=pc.is_null(lists)), pc.if_else(pc.is_valid(lists), odd, None)
