"""Installation on a machine of a VCL site: bin/install, bin/upgrade and bin/uninstall.

Only the standard library is used, since the installation begins before any package is there. A program is a list of
steps (`steps/`); each looks at the machine and plans the actions that are still to be done. They are printed, and then
done, unless it is a dry run.
"""
