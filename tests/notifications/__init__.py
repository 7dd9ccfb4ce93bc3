"""What people are told: who gets it, what it says, what they choose, and the pages about it."""
