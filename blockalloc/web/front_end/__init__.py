"""VCL's own PHP front end: the back end has one address for all its calls, and this service answers only some.

Calls of the methods in `settings.VCL_FRONT_END_METHODS` are passed on to it, browsers are redirected there.
"""
