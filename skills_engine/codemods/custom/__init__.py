"""Codemods that a package brings, run in a process of their own."""
