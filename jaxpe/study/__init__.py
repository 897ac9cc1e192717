"""Presets, plans, the workspace that trains and measures, tables, and experiments."""
