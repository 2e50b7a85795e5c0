"""Watching: drift, outcomes, freshness."""
