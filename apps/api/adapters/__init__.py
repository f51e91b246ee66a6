"""PostgreSQL behind the API: queries, pages, exports, writes."""
