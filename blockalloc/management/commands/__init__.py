"""`manage.py help` lists them."""
