"""The staff's own pages: what the person on duty and the auditor see."""
