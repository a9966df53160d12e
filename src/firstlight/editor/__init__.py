"""The language server: findings, fixes and marks while a page is written."""
