"""When two texts are the same."""


def key(text):
    """Equal for texts that are the same question."""
    return text.strip().lower()


def unique(rows):
    """Rows (question, answer) without those that repeat both, the first ones kept."""
    seen, kept = set(), []
    for question, answer in rows:
        mark = (key(question), key(answer))
        if mark not in seen:
            seen.add(mark)
            kept.append((question, answer))
    return kept
