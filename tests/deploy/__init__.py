"""What is in `deploy/`: the configuration of nginx, on a real one."""
