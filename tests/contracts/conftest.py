"""What the contract tests share."""

from tests.sandboxes.fixtures import *  # noqa: F403
