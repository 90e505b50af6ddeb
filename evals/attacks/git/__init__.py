"""Part "git" of the battery: what a sandbox left in its worktree and in what it hands over."""
