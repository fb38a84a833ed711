"""How near the truth the results come."""
