"""Between VCL's tables and the pure core: reads facts, writes plans, and decides between callers."""
