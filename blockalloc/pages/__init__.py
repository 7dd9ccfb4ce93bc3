"""The staff's pages that are not about the rows of one table. They share its site: one sign-in, one menu."""
