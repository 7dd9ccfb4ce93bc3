"""The models' fields against VCL's columns."""
