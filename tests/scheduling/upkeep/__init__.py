"""The rules of `scheduling`, on facts alone: no database."""
