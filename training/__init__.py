"""Learning: detectors, honest evaluation, training runs and the registry."""
