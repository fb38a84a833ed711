"""Frames that repeat an earlier one."""
