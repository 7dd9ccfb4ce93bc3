"""Campaigns: many processes at once against the real thing, and a judge of what they leave behind."""
