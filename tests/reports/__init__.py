"""What is said of a block time: in answers, on pages, on the shell."""
