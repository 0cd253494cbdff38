"""What the API answers with, as OpenAPI tells of it."""
