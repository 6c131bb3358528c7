"""Every action a person can take, once: commands, pages and API only call these, one module per noun."""
