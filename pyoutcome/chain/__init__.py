"""Networks, keys and the contracts' clients. Import what you need from its module: some bring heavy libraries."""
