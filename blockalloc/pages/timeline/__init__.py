"""Computers and what they are booked for, hour by hour."""
