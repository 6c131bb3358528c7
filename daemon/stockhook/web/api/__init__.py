"""The JSON API: what the pages and commands show and do, for programs (design.md sections 7 and 8).

A route is a function with types (``route.py``): what it takes and returns is read from the request, written into the
answer, and described in ``/api/v1/openapi.json`` from the same signature. One file holds what there is about one noun.
"""
