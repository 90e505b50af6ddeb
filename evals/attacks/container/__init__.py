"""Part "container" of the battery: a program against its container and the machine beneath."""
