"""What new pairs are worth: are they real enough, varied, new, do they fit their masks, and do they help?"""
