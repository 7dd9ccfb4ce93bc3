"""Webhooks: messages as JSON, signed, to addresses that the settings name; texts for chat programs."""
