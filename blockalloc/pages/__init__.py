"""The staff's pages beside those of the admin's tables, inside the same site: they sign in once, and see one menu."""
