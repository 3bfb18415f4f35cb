"""The command line: one thin file a command. Nothing here imports torch, scipy or skimage before it has work for it."""
