"""Frames between frames."""
