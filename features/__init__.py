"""Data in, profiles out: contracts, connectors, lake, measures, norms, build."""
