"""Settings: from the environment, from the file, of each process."""
