"""How many rows of a dense matrix are computed at a time by those who do it in blocks."""

# Elements that stay in the cache.
ELEMENTS = 2**18
# In higher dimensions the matrix product needs some rows to be fast, even if the block leaves the cache.
HIGH, LEAST_ROWS = 16, 128


def rows_of_block(columns, dim, elements=ELEMENTS):
    return max(LEAST_ROWS if dim > HIGH else 1, elements // columns)
