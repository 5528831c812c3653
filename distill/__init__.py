"""Teacher games, data sets, students, their check, export and serving; and the rookie, trained from scratch."""
