"""Part "files" of the battery: what a sandbox left, on its way to the host and once it is there."""
