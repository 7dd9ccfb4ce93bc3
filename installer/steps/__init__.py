"""The steps of an installation. Each function gives a step, and each step looks for itself at what is still to do."""
