"""Records and results as rows: what commands print with ``--json`` and the JSON API answers (design.md section 8).

Each row is a msgspec struct, so that one definition gives the answer, the commands' output and the schema in the API's
description. All keys are always there.
"""
