"""People's work: warnings join cases, people act on them, and every step stands on a hash-chained trail."""
