"""The ground floor: domain types, settings, errors, ports, the policy table and the ledger."""

__version__ = "0.1.0"
