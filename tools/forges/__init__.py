"""Forges: where merge requests are reviewed beside the local one."""
