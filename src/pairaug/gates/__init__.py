"""Gates: what judges a new mask or a new image, and has it drawn again."""
