"""`HttpClient` on aiohttp."""
