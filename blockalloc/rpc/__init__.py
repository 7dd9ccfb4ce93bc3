"""The XML-RPC door: transport, sign-in, strict parsing, and the thin methods that call the service."""
