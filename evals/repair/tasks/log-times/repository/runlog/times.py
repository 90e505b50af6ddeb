"""Times in log lines."""

from datetime import datetime


def parse_time(text):
    """An ISO time; without an offset it is UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


def seconds_between(start, end):
    """Seconds from start to end, both ISO times."""
    return (parse_time(end) - parse_time(start)).total_seconds()


def readable(seconds):
    """Hours, minutes and seconds: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
