"""The report as static pages: no server, no request, no script but a search over a file beside it."""
