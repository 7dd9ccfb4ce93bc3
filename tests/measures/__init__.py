"""What processes count for /metrics: the values, the files, and the places where counting happens."""
