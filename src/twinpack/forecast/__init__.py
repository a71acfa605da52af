"""What is to come: health, end of life, remaining range and what would be if a battery were treated otherwise."""
