"""The forecast: reads the facts about all classes to come, plans them, and keeps what they will get."""
