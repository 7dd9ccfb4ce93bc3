"""The version of the service; CHANGELOG.md lists its changes."""

VERSION = "1.0.0"
