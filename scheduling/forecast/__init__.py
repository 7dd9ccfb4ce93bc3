"""How many machines all classes to come will get, planned together in the order in which they will be asked for."""
