"""Messages between callers and the service: calls, outcomes, refusals."""
