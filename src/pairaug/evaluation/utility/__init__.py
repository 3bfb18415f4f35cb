"""Does training on these pairs help, by how much, and what is it worth in annotated images?"""
