"""What is kept of a reader's work: `records` (its shape), `progress` (what is done and written),
`folder_store` and `browser_store` (where), and `standing` (how far it has come).
"""
