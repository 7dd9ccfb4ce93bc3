"""VCL's tables: made, adopted or refused."""
