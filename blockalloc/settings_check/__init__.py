"""The settings in force, and what is wrong or doubtful about them: for `manage.py check_settings`."""
