"""This machine: what it has, what works on it, and writing files that are whole."""
