"""The XML-RPC door: sign-in, strict parsing, and the thin methods that call the service."""
