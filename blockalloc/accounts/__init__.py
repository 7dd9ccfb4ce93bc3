"""Who somebody is and what they may see: VCL's accounts, the sign-in backend, lock-out, scope."""
