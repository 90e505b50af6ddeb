"""Reading and writing tables of annotators' answers."""

import csv
import io


class TableError(ValueError):
    """A table isn't as it should be."""


def parse(text, header=("id", "answer", "weight")):
    """Rows as dictionaries.

    Args:
        text: CSV with a header line.
        header: the columns there must be, in this order.
    """
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if not rows or tuple(rows[0]) != tuple(header):
        raise TableError(f"the header must be {','.join(header)}")
    parsed = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise TableError(f"row {number}: expected {len(header)} fields, found {len(row)}")
        parsed.append(dict(zip(header, row)))
    return parsed


def weights(rows):
    """id → weight as a number; an empty weight is 1."""
    return {row["id"]: float(row["weight"] or 1.0) for row in rows}


def weighted_shares(rows):
    """answer → its share of the total weight."""
    total = sum(weights(rows).values())
    shares = {}
    for row in rows:
        shares[row["answer"]] = shares.get(row["answer"], 0.0) + float(row["weight"] or 1.0) / total
    return shares


def write(rows, header=("id", "answer", "weight")):
    """The table as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
