"""GET /api/schema/ and the page to browse it: all from this server, nothing from another host."""
