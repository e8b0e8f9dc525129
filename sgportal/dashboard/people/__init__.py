"""The person who uses the pages: log-in, password, profile, API tokens, language and theme.

May import `page` and `access`, and what any page may.
"""
