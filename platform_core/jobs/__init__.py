"""Work for later: the job table, and the runner that works it off."""
