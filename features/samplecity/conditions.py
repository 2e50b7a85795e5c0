"""What people in the city fall ill with: how often, when, at what age, who treats it and with which drugs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One illness. `peak`: the month (1-12) with most cases, 0 for none. `level`: lowest hospital to treat it."""

    icd: str
    specialty: str
    drugs: tuple[str, ...]
    weight: float
    chronic: bool = False
    peak: int = 0
    ages: tuple[int, int] = (0, 110)
    sex: str = ""
    level: int = 0


CONDITIONS = (
    Condition("I10.x00", "03.04", ("C03", "C07", "C08", "C09A", "C09C"), 9.0, True, 1, (35, 110)),
    Condition("E11.900", "03.07", ("A10B", "A10A"), 6.0, True, 0, (35, 110)),
    Condition("E78.500", "03.04", ("C10",), 3.5, True, 0, (35, 110)),
    Condition("I25.100", "03.04", ("B01AC", "C01", "C10A", "C07", "C09DX"), 3.0, True, 1, (45, 110)),
    Condition("I69.300", "03.03", ("B01", "C10A", "N07", "B03BA", "N06D"), 1.8, True, 0, (50, 110)),
    Condition("J44.900", "03.01", ("R03", "R05"), 1.8, True, 1, (45, 110)),
    Condition("E03.900", "03.07", ("H03AA", "H03BB"), 1.2, True, 0, (20, 110)),
    Condition("M17.900", "04.03", ("M01", "M03", "A12", "M05"), 2.4, True, 0, (45, 110)),
    Condition("M10.900", "03.07", ("M04", "M01"), 1.2, True, 0, (30, 110)),
    Condition("N40.x00", "04.04", ("G04",), 1.2, True, 0, (50, 110), "M"),
    Condition("G40.900", "03.03", ("N03AX14", "N03AG"), 0.5, True, 0, (5, 90), level=2),
    Condition("F20.900", "15", ("N05A",), 0.5, True, 0, (18, 80), level=2),
    Condition("F32.900", "15", ("N06A", "N05C"), 1.0, True, 0, (16, 90), level=1),
    Condition("C34.900", "19", ("L01",), 0.3, True, 0, (40, 90), level=3),
    Condition("C50.900", "19", ("L02", "L01FD"), 0.3, True, 0, (35, 90), "F", level=2),
    Condition("B18.100", "03.02", ("J05AF",), 0.8, True, 0, (25, 80), level=1),
    Condition("J06.900", "02", ("J01CA", "J01D", "R05", "N02BE", "M01AE"), 9.0, False, 12),
    Condition("J20.900", "03.01", ("J01", "R05", "R03DC", "R03AC"), 5.0, False, 12),
    Condition("J10.100", "02", ("J05AH", "N02BE", "R05"), 2.5, False, 1),
    Condition("J18.900", "03.01", ("J01CR", "J01D", "J01FA", "J01MA", "R05"), 2.0, False, 1),
    Condition("K29.500", "03.02", ("A02", "A03"), 5.0, False, 0, (15, 110)),
    Condition("K21.900", "03.02", ("A02B", "A03"), 2.5, False, 0, (18, 110)),
    Condition("A09.900", "02", ("A07", "J01MA"), 3.5, False, 7),
    Condition("K59.000", "02", ("A06", "A03", "A07FA"), 1.2),
    Condition("N39.000", "04.04", ("J01MA", "J01DC", "J01DD"), 1.8, False, 7, (16, 110)),
    Condition("M54.500", "04.03", ("M01", "M03", "N02", "N03AX1", "B03BA"), 4.5, False, 0, (18, 110)),
    Condition("L30.900", "13", ("D07", "D02", "D06"), 2.8, False, 6),
    Condition("B35.300", "13", ("D01", "D06"), 1.4, False, 7),
    Condition("J30.400", "11", ("R03DC", "H02AB"), 1.6, False, 4),
    Condition("G47.000", "03.03", ("N05C", "N06A"), 2.0, False, 0, (18, 110)),
    Condition("D50.900", "02", ("B03", "A11"), 1.4, False, 0),
    Condition("N76.000", "05", ("G01",), 1.8, False, 7, (16, 70), "F"),
    Condition("H81.000", "11", ("N07", "B03BA"), 1.0, False, 0, (30, 110)),
    Condition("B02.900", "13", ("J05AB", "N03AX1", "B03BA"), 0.8, False, 0, (30, 110)),
    Condition("M06.900", "03.07", ("L04", "H02", "M01"), 0.5, True, 0, (30, 90), level=2),
    Condition("I50.900", "03.04", ("C01AA", "C03", "C09DX"), 0.8, True, 1, (55, 110), level=1),
    Condition("I48.900", "03.04", ("B01A", "C07"), 0.6, True, 0, (55, 110), level=1),
)

SPECIALTIES = tuple(sorted({condition.specialty for condition in CONDITIONS}))

STAYS = (
    # dx, department, weight, days (median), DRG weight, share operated, season's peak month
    ("J18.900", "03.01", 10, 8, 0.95, 0.00, 1),
    ("J44.100", "03.01", 9, 9, 1.05, 0.00, 1),
    ("I63.900", "03.03", 9, 10, 1.30, 0.02, 1),
    ("I20.000", "03.04", 7, 7, 1.20, 0.18, 1),
    ("I50.900", "03.04", 6, 8, 1.15, 0.01, 1),
    ("E11.700", "03.07", 7, 8, 0.85, 0.00, 0),
    ("K35.800", "04", 4, 6, 1.25, 0.95, 7),
    ("K80.000", "04", 5, 7, 1.60, 0.85, 0),
    ("S72.000", "04.03", 3, 13, 2.60, 0.90, 0),
    ("M51.200", "04.03", 7, 8, 0.75, 0.10, 0),
    ("O80.000", "05", 7, 4, 0.55, 0.15, 0),
    ("D25.900", "05", 3, 7, 1.45, 0.90, 0),
    ("N20.100", "04.04", 4, 5, 1.05, 0.70, 7),
    ("C34.900", "19", 4, 9, 1.35, 0.20, 0),
    ("K29.700", "03.02", 5, 6, 0.60, 0.00, 0),
    ("H25.900", "10", 4, 3, 0.80, 0.97, 0),
)
"""What people lie in hospital with."""
