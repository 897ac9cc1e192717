"""How fast a machine trains, tests and attends, and how much of what it can do at best that is."""
