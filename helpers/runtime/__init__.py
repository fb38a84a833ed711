"""This machine: what it has, and how files are written safely."""
