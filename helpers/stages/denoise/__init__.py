"""Noise and compression blocks."""
