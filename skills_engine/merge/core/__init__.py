"""A three-way merge of trees that knows no language."""
