"""A running image to work in: servers, keys, ports, and what is known of them."""
