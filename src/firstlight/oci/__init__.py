"""What an image is and where it lives: values, layouts, archives."""
