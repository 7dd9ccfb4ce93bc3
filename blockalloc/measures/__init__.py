"""What processes count and time for /metrics; blockalloc/monitoring answers with it."""
