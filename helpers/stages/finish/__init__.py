"""Contrast, sharpening and grain."""
