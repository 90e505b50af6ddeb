"""What the container and git tests share."""

from tests.sandboxes.fixtures import *  # noqa: F403
