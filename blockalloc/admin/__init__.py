"""The staff's pages: what is booked, with which computers, and what is loaded on them. Nothing can be changed here.

Django finds the pages of an application by importing its module `admin`.
"""

from blockalloc.admin import accounts, block_requests, block_times, computers, decisions, images, reloads

__all__ = ["accounts", "block_requests", "block_times", "computers", "decisions", "images", "reloads"]
