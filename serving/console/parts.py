"""Every part of the console, in the order in which their paths are tried."""

from __future__ import annotations

from serving.console import (
    routes,
    routes_administration,
    routes_board,
    routes_case,
    routes_draft,
    routes_import,
    routes_lists,
    routes_queue,
    routes_raise,
    routes_told,
    routes_trail,
    routes_watch,
)

PARTS = (
    routes,
    routes_queue,
    routes_case,
    routes_raise,
    routes_told,
    routes_board,
    routes_lists,
    routes_trail,
    routes_import,
    routes_administration,
    routes_draft,
    routes_watch,
)
