"""What would help a class that lacks machines: each remedy is tried by a plan, and says how many machines it brings."""
