"""Upgrades of sites that have rows of the first version, and the way back."""
