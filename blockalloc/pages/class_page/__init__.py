"""The page of a class: its head, what needs attention, its seats, what staff may do."""
