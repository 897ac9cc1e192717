"""The sentences in which an experiment answers a question of the page, made from its table and its claims."""
