"""Who somebody is and what they may do: roles, keys, tokens, limits. Knows neither SQL nor our HTTP server."""
