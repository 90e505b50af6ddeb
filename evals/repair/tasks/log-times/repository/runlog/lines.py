"""Lines of a log: an ISO time, a space, an event."""

from runlog.times import seconds_between


def parse(text):
    """[(time as written, event)]; lines without an event are left out."""
    found = []
    for line in text.splitlines():
        time, _, event = line.strip().partition(" ")
        if event:
            found.append((time, event))
    return found


def merge(*logs):
    """All logs' lines in order of time; lines of the same time stay as they come."""
    return sorted((line for log in logs for line in log), key=lambda line: line[0])


def duration(lines, start="start", end="end"):
    """Seconds from the first start to the last end, or None where one is missing."""
    starts = [time for time, event in merge(lines) if event == start]
    ends = [time for time, event in merge(lines) if event == end]
    return seconds_between(starts[0], ends[-1]) if starts and ends else None
