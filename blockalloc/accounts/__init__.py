"""Who somebody is: VCL's accounts, the sign-in backend, lock-out. What they may see is in `models.scope`."""
