"""What programs that watch the service ask: /metrics and /readyz."""
