"""Light that flickers."""
