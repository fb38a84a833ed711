"""Colours for a grey film."""
