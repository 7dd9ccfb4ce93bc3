"""The staff's pages in a real browser. They know one database, SQLite: other tests read the pages on both."""
