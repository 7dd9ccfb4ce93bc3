"""The staff's lists and pages of table rows: bookings, their computers, and the images on these. All are read-only.

Django finds the pages of an application by importing its module `admin`.
"""

from blockalloc.admin import accounts, block_requests, block_times, computers, decisions, images, notifications, reloads

__all__ = ["accounts", "block_requests", "block_times", "computers", "decisions", "images", "notifications", "reloads"]
