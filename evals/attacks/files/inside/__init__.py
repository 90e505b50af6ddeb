"""What runs in the battery's own containers: it plants, packs and, for the control, reads naively.

Standard library alone; the whole folder is copied into a container and run there by `__main__`.
"""
