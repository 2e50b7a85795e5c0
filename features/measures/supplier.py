"""Measures of suppliers."""
