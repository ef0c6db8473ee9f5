"""Thousands of sessions through one gateway: who gets an answer that was not for them, and what is left over.

Clients (`clients.py`; `legacy.py`, `modern.py` and `sse.py`, by what they speak) do HTTP by hand (`wire.py`), so that they can
leave in the middle of anything. Whatever they receive goes through `ledger.py`, which finds what belongs to somebody else.
`chaos.py` kills children and reloads the configuration meanwhile; `remains.py` looks at what the gateway holds.
`scripts/soak_sessions.py` puts them together.
"""
