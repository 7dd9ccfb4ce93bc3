"""When a change in a class is news: what people are told, and when (SPEC 9.6)."""
