"""The documentation is true: its commands, its links, the symptoms that it names."""
