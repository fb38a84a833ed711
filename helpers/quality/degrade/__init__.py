"""Making a film worse in the way it already is, so that its own frames are the known truth."""
