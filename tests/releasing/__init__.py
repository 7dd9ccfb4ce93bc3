"""The archive of a release."""
