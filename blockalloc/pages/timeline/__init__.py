"""The timeline: the bookings of computers, hour by hour."""
