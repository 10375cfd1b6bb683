"""Raw tables to events: a folder or file a database, and what they share."""
