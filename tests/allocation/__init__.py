"""Calls as a whole: what they write, what they answer, what others may do meanwhile."""
