"""The doubles of VCL's back end and front end."""
