"""Finding and marking shots."""
