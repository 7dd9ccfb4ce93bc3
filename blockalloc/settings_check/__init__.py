"""What is in force of the settings, and what is wrong or doubtful about it: for `manage.py check_settings`."""
