"""What a caller says and hears: messages, refusals."""
