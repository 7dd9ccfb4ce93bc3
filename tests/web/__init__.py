"""HTTP around the calls: start-up, wrong ways in, what is passed on to VCL's front end."""
