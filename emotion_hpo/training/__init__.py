"""Training: the loop, a fold, a trial, the processes that train and where they are started."""
