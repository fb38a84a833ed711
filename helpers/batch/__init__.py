"""Many films, one after another."""
