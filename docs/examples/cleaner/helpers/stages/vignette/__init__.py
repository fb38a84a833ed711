"""Corners that a lens has left dark."""
