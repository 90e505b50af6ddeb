"""What self-evolution is measured on: targets with their controls, results, and the report."""
