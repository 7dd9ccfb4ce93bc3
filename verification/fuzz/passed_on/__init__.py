"""Calls that are passed on to VCL's front end: the fuzzer's requests, a double of the front end, what is promised."""
