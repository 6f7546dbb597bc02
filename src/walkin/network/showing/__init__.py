"""What a network gave, as pictures, numbers and words for the room."""
