"""What the crew makes of a repository that it has never seen: one subject a file, all of it pure.

Each file ranks the possible answers to its questions (`Options`); `choosing.py` asks them.
"""
