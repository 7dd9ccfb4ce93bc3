"""Plans of series that nobody has booked yet: which of its dates are possible, and what would help on the others."""
