"""REST, websocket, metrics and page over the journal. It reads, and asks only for less risk."""
