"""What programs that watch the service ask."""
