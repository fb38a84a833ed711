"""Making damage and motion, and training networks on them."""
