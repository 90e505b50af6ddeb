"""Which module stands at each place of the pipeline: the settings that are searched."""

LOADER = "sql"  # one of: csv, jsonl, parquet, sql, avro
PREPROCESSOR = "clip"  # one of: none, zscore, minmax, rank, clip
ALGORITHM = "linear"  # one of: linear, tree, forest, neighbours, boosting
FORMATTER = "text"  # one of: table, records, text, markdown, binary
