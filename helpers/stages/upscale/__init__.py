"""Enlarging."""
