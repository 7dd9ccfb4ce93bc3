"""Calls that are passed on to VCL's front end: the fuzzer's requests, a simulated front end, the promises."""
