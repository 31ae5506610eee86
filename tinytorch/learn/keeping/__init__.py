"""What is kept of a reader's work: `records` (its shape), `progress` (what is done and written),
`merging` (how two copies become one),
`folder_store` and `browser_store` (where), `folder` (which folder is the reader's),
`shelf` (long runs and their networks), and `standing` (how far it has come).
"""
