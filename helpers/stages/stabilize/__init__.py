"""Shake and gate weave."""
