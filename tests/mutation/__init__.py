"""Do the tests notice when the library is wrong? Change it in one place at a time, and see.

`python -m tests.mutation` changes a share of all places, `python -m tests.mutation core.losses --all` every
place of one file. Survivors are printed with their line; `explained.py` says which of them change nothing.
`python -m tests.mutation answers 05` changes a chapter's solutions instead, and asks its checks: see `answers.py`.
"""
