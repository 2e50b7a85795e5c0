"""The edge: scoring, API, console, command line."""
