"""The version of the service; CHANGELOG.md lists its changes."""

VERSION = "0.4.0"
