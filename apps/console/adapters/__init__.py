"""The statements behind the console's pages: bounded, and served by an index."""
