"""What is shipped for the operating system: the configuration of nginx, the set-up scripts."""
