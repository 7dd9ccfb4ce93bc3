"""The staff's pages show what is booked, find it, change nothing, and take few queries."""
