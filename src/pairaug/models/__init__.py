"""Networks and their losses. This room knows torch alone: no files, no images, no command line."""
