"""What a series of classes could have that is not booked yet, date by date."""
