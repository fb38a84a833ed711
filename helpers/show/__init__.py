"""Looking and listening inside a notebook."""
