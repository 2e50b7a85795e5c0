"""Which measures are sheer size: they make the trivial ranking, and are what `rates only` leaves out."""

from __future__ import annotations

from dataclasses import replace

from features.profiles import ProfileColumn, Profiles

TOTALS: dict[str, tuple[str, ...]] = {
    "institution": ("reported_reimbursed_sum", "fund_paid", "claims_count"),
    "practitioner": ("item_amount", "rx_lines", "rx_patients"),
    "supplier": ("award_amount", "awards_count", "bids"),
    "tender": ("winning_bid", "lowest_bid", "estimate"),
    "buyer": ("award_amount", "awards_count", "tenders_count"),
}
"""The total amount of each kind of entity, best first: what the trivial ranking ranks by."""
SIZES: dict[str, frozenset[str]] = {
    "institution": frozenset(
        {
            "after_death_claims", "age_conflict_items", "bed_days", "case_groups", "claims_count",
            "claims_per_patient_max", "drugs_count", "fund_max", "fund_paid", "fund_per_day_max", "main_diagnoses",
            "overlapping_stays",
            "patients", "physicians_count", "reported_attending", "reported_beneficiaries",
            "reported_claim_days_max", "reported_claims", "reported_counties", "reported_deductible_sum",
            "reported_diagnoses", "reported_inpatient_claims", "reported_operating", "reported_other_physicians",
            "reported_outpatient_claims", "reported_physicians", "reported_procedures", "reported_reimbursed_sum",
            "reported_states", "reported_stay_days_max", "rx_lines", "sex_conflict_items",
            "stay_days_max", "stays_count", "stays_per_physician_max",
        }
    ),
    "practitioner": frozenset(
        {
            "attended_stays", "institutions", "item_amount", "many_place_days", "patients_per_day",
            "patients_per_day_max", "rx_lines", "rx_patients",
        }
    ),
    "supplier": frozenset({"award_amount", "awards_count", "bids", "buyers_count", "lost_bids", "wins"}),
    "tender": frozenset(
        {
            "bids_count", "estimate", "highest_bid", "lowest_bid", "mean_bid", "winner_prior_bids", "winning_bid",
        }
    ),
    "buyer": frozenset(
        {"award_amount", "awards_count", "split_series_awards", "suppliers_count", "tenders_count"}
    ),
}  # fmt: skip
"""Measures that grow with the entity: sums, counts, distinct counts and maxima. Means, shares and ratios do not."""


def total(profiles: Profiles) -> str | None:
    """The column of the trivial ranking; None when nothing of the kind is known."""
    for name in TOTALS.get(profiles.entity, ()):
        if name in profiles.values.columns and profiles.values[name].notna().any():
            return name
    return None


def is_size(entity: str, column: ProfileColumn) -> bool:
    """Whether a column grows with the size of the entity."""
    return column.measure in SIZES.get(entity, frozenset())


def rates(profiles: Profiles) -> Profiles:
    """The same profiles without any size in them."""
    kept = tuple(column for column in profiles.columns if not is_size(profiles.entity, column))
    names = [column.name for column in kept]
    frames = {name: getattr(profiles, name)[names] for name in ("values", "deviations", "groups")}
    return replace(profiles, columns=kept, **frames)
