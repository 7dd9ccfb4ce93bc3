"""Ids in VCL's table `state`: of requests, where nothing else is said."""

DELETED, FAILED, TIMEOUT, COMPLETE, NEW, PENDING = 1, 5, 11, 12, 13, 14
IMAGE, MAKE_PRODUCTION = 16, 17  # an image is being captured; an image revision is being put into production
RELOAD = 19

RELOADING = 6  # of a computer
