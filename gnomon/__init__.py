"""Kernel of Gnomon 圭臬: what every floor may use and none may do without."""

__version__ = "0.1.0"
