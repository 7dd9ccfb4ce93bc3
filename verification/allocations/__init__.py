"""Campaigns: many processes at once against the real service, and a judge of the rows that they leave."""
