"""Every version of VCL and of MariaDB that the service works on, and the strict SQL modes, as a table of results."""
