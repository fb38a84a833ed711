"""This machine: what it has, and writing files that are whole."""
