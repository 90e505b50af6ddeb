"""labcrew as tools for coding assistants (MCP): the REST API's actions, under the same roles."""
