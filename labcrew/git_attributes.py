"""Attributes of labcrew's own copies of a repository: files stay as they are stored, byte for byte.

They stand above what the repository says. What is read, judged and committed is what is stored:
nothing is left out, filled in or written in another way because a `.gitattributes` says so.
"""

AS_STORED = "* -export-ignore -export-subst -filter -text -eol -crlf -ident !working-tree-encoding"
"""One line for `info/attributes`."""
