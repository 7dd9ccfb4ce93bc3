"""HTTP: trusted proxies, middleware, the health check, and calls passed on to VCL's front end."""
