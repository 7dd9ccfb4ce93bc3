"""A fuzzer of the XML-RPC door: `python -m verification.fuzz` sends bad requests and judges every answer.

The same seed makes the same requests. A request that breaks a promise is saved with the requests before it.
"""
