"""Notices: what one person should know, shown in the shell until they have seen it. Add-ons use `api`."""
