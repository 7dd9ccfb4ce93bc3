"""VCL's own PHP front end: the back end has one address for calls of all kinds, and not all of them are ours.

Calls of the methods in `settings.VCL_FRONT_END_METHODS` are passed on to it, browsers are sent there.
"""
