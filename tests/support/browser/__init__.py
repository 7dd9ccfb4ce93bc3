"""What tests in a browser share: Chromium, the server, the pages."""
