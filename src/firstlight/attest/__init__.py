"""What is said of an image: bill of materials, provenance, licences, signatures."""
