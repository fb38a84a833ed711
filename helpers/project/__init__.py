"""The folder that remembers: saved stages, their segments, making them, the report."""
