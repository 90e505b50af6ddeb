"""Loading and augmenting images with several workers."""
