"""Telling whether a result is better, with a known truth and without one."""
