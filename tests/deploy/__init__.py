"""What is in `deploy/`: nginx, the units of systemd, restarts."""
