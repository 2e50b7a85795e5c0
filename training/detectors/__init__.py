"""Detectors: what turns profiles into scores and contributions. One file each, one contract for all."""
