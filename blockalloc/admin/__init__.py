"""The staff's pages: what is booked, with which computers, and what is loaded on them. Nothing can be changed here.

Django finds the pages of an application by importing its module `admin`.
"""

from django.contrib import admin

from blockalloc.admin import block_requests, block_times, computers, images, reloads
from blockalloc.admin.sign_in import SignInForm

__all__ = ["block_requests", "block_times", "computers", "images", "reloads"]

admin.site.login_form = SignInForm
admin.site.site_header = "Block allocations"
admin.site.site_title = "Block allocations"
admin.site.index_title = "Staff pages"
admin.site.site_url = None  # there is no other site to view
