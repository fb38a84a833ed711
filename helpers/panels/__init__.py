"""Panels of a notebook: forms of buttons and pictures, made of ipywidgets."""
