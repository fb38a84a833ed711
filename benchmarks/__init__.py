"""Measuring speed, quality and parity with the authors' code; see README.md in this folder."""
