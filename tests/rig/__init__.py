"""What the black-box tests stand on: installed packages, processes, upstream servers and a gateway to put in front of them.

Never decides whether a test passed. Standard library only. Read first: `processes.Service`.
"""
