"""Frame interpolation."""
