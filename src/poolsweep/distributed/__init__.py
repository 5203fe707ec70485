"""One run in many processes: who starts them, how they find and leave each other, and how one's end ends all."""
