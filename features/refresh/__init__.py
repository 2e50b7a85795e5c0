"""Bringing stored profiles up to date: see `refresh.refresh`, and `state` for what it starts from."""
