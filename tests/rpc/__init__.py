"""XML-RPC: access, arguments, documents, clients."""
