"""The command `classify`: classify files on one machine, on all of its cores."""
