"""Tests of bin/install, bin/upgrade and bin/uninstall."""
