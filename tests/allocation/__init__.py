"""Whole calls: their rows, their answers, and other calls in between."""
