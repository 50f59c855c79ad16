"""What Compose files say: text, merged files and their long form, and how each service is read from it."""
