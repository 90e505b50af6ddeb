"""A forward proxy with an allow-list by host name, and the package index without its password."""
