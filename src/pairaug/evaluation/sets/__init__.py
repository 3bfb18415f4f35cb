"""Both sets opened, sampled and read alike: pairs decoded one at a time, in the terms of the real set."""
