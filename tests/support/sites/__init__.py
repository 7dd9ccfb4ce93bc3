"""The three builders of sites, and the sites made with them. See tests/README.md."""
