"""Who may sign in, and who is locked out."""
