"""Dust, dirt, hairs and scratches."""
