"""What runs in the battery's containers: hostile worktrees and bundles are made, and git is run.

Standard library and git alone; the whole folder is copied into a container and run there.
"""
