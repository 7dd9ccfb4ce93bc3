"""What callers may rely on in answers and refusals."""
