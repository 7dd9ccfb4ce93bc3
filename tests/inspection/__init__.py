"""What `check_vcl` finds and repairs."""
