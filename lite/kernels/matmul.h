/* Matrix multiplication C = A @ B for one type of number; float32.c, float64.c and int8.c include it after saying
   what a NUMBER is.

   The plan is that of every fast matmul since GotoBLAS (Goto and van de Geijn 2008, "Anatomy of high-performance
   matrix multiplication"):

     1. Keep a small tile of C, ROWS x COLUMNS, in registers. Each step of the inner loop reads ROWS numbers of A and
        COLUMNS numbers of B and does ROWS * COLUMNS multiply-adds: 12 numbers read for 32 products.
     2. Lay A and B out anew ("pack" them), so that what the inner loop reads next always lies next in memory. Packing
        also absorbs every layout: transposed, broadcast or reversed operands look the same once packed.
     3. Pack block by block, so that a block of B stays in the second cache, and a panel of it in the first.

   A vector register holds LANES numbers; a tile is two registers wide. The blocks are whole tiles, and the scratch
   memory in loop.h has room for them. */

#define ROWS 4
#define COLUMNS (2 * LANES)
#define DEPTH_BLOCK 256              /* steps of the inner loop before its sums go to memory */
#define WIDTH_BLOCK 256              /* columns of B that are packed at a time */
#define HEIGHT_BLOCK 64              /* rows of A that are packed at a time */

/* A matrix anywhere in memory: its first element, and the bytes to the neighbour below and to the right. */
typedef struct {
    char *first;
    size down, right;
} matrix;

/* Where the packed operands go. */
typedef struct {
    PACKED *a, *b;
    SUM *edge;
} workspace;

INLINE char *element(matrix m, size row, size column) {
    return m.first + row * m.down + column * m.right;
}

INLINE size least(size x, size y) {
    return x < y ? x : y;
}

/* The heart: one tile of C. `a` is a packed panel, ROWS numbers a step. `b` gives COLUMNS numbers a step, each step
   `b_step` bytes after the last, so that B can be read where it is as well as from a panel.
   Eight sums stay in registers for the whole loop; nothing is stored before its end. */
INLINE void compute_tile(size depth, const PACKED *a, const char *b, size b_step, char *c, size c_down, int add) {
    v128_t c00 = ZERO, c01 = ZERO, c10 = ZERO, c11 = ZERO, c20 = ZERO, c21 = ZERO, c30 = ZERO, c31 = ZERO;
    for (size k = 0; k < depth; k++, a += ROWS, b += b_step) {
        v128_t b0 = wasm_v128_load(b), b1 = wasm_v128_load(b + 16), row;
        row = SPLAT(a + 0); c00 = MULTIPLY_ADD(row, b0, c00); c01 = MULTIPLY_ADD(row, b1, c01);
        row = SPLAT(a + 1); c10 = MULTIPLY_ADD(row, b0, c10); c11 = MULTIPLY_ADD(row, b1, c11);
        row = SPLAT(a + 2); c20 = MULTIPLY_ADD(row, b0, c20); c21 = MULTIPLY_ADD(row, b1, c21);
        row = SPLAT(a + 3); c30 = MULTIPLY_ADD(row, b0, c30); c31 = MULTIPLY_ADD(row, b1, c31);
    }
    v128_t sums[ROWS][2] = {{c00, c01}, {c10, c11}, {c20, c21}, {c30, c31}};
    for (int row = 0; row < ROWS; row++, c += c_down) {
        v128_t left = sums[row][0], right = sums[row][1];
        if (add) left = ADD(left, wasm_v128_load(c)), right = ADD(right, wasm_v128_load(c + 16));
        wasm_v128_store(c, left), wasm_v128_store(c + 16, right);
    }
}

/* A tile at the edge of C, or in a C whose columns are not side by side: computed aside, then copied. */
INLINE void compute_edge(size depth, const PACKED *a, const char *b, size b_step, matrix c, size rows, size columns,
                         int add, SUM *aside) {
    compute_tile(depth, a, b, b_step, (char *)aside, COLUMNS * sizeof(SUM), 0);
    for (size i = 0; i < rows; i++)
        for (size j = 0; j < columns; j++) {
            SUM *place = (SUM *)element(c, i, j);
            *place = add ? *place + aside[i * COLUMNS + j] : aside[i * COLUMNS + j];
        }
}

/* A block of A, panel by panel of ROWS rows. */
INLINE void pack_rows(PACKED *out, matrix a, size rows, size depth) {
    for (size i = 0; i < rows; i += ROWS, out += ROWS * STEPS(depth))
        pack(out, element(a, i, 0), a.down, a.right, least(rows - i, ROWS), depth, ROWS);
}

/* A block of B, panel by panel of COLUMNS columns. */
INLINE void pack_columns(PACKED *out, matrix b, size columns, size depth) {
    for (size j = 0; j < columns; j += COLUMNS, out += COLUMNS * STEPS(depth))
        pack(out, element(b, 0, j), b.right, b.down, least(columns - j, COLUMNS), depth, COLUMNS);
}

/* Every tile of a block of C, from packed operands. */
INLINE void compute_block(size rows, size columns, size steps, matrix c, int add, workspace space) {
    for (size j = 0; j < columns; j += COLUMNS)
        for (size i = 0; i < rows; i += ROWS) {
            const PACKED *a = space.a + i * steps;
            const char *b = (const char *)(space.b + j * steps);
            size high = least(rows - i, ROWS), wide = least(columns - j, COLUMNS);
            if (high == ROWS && wide == COLUMNS && c.right == sizeof(SUM))
                compute_tile(steps, a, b, COLUMNS * sizeof(PACKED), element(c, i, j), c.down, add);
            else {
                matrix tile = {element(c, i, j), c.down, c.right};
                compute_edge(steps, a, b, COLUMNS * sizeof(PACKED), tile, high, wide, add, space.edge);
            }
        }
}

/* C = A @ B for A of `rows` x `depth` and B of `depth` x `columns`. */
INLINE void multiply(size rows, size columns, size depth, matrix a, matrix b, matrix c, workspace space) {
    for (size j = 0; j < columns; j += WIDTH_BLOCK)
        for (size k = 0; k == 0 || k < depth; k += DEPTH_BLOCK) {  /* at depth 0 too: an empty sum is 0 */
            size wide = least(columns - j, WIDTH_BLOCK), deep = least(depth - k, DEPTH_BLOCK);
            matrix b_block = {element(b, k, j), b.down, b.right};
            pack_columns(space.b, b_block, wide, deep);
            for (size i = 0; i < rows; i += HEIGHT_BLOCK) {
                size high = least(rows - i, HEIGHT_BLOCK);
                matrix a_block = {element(a, i, k), a.down, a.right}, c_block = {element(c, i, j), c.down, c.right};
                pack_rows(space.a, a_block, high, deep);
                compute_block(high, wide, STEPS(deep), c_block, k > 0, space);
            }
        }
}

/* Where A has so few rows that each panel of B would be used once, B is read where it is; its rows must be contiguous.
   Does whole tiles, and returns how many columns these are. */
INLINE size multiply_few_rows(size rows, size columns, size depth, matrix a, matrix b, matrix c, workspace space) {
    if (!PACKED_IS_PLAIN || rows > ROWS || b.right != sizeof(PACKED)) return 0;
    size whole = columns - columns % COLUMNS;
    for (size k = 0; k == 0 || k < depth; k += DEPTH_BLOCK) {
        size deep = least(depth - k, DEPTH_BLOCK);
        matrix a_block = {element(a, 0, k), a.down, a.right};
        pack_rows(space.a, a_block, rows, deep);
        for (size j = 0; j < whole; j += COLUMNS) {
            matrix tile = {element(c, 0, j), c.down, c.right};
            compute_edge(deep, space.a, element(b, k, j), b.down, tile, rows, COLUMNS, k > 0, space.edge);
        }
    }
    return whole;
}

/* The scratch memory in three parts: a block of A, a block of B, a tile. SCRATCH_BYTES is enough for float64. */
INLINE workspace divide(char *scratch) {
    PACKED *a = (PACKED *)scratch, *b = a + HEIGHT_BLOCK * DEPTH_BLOCK;
    return (workspace){a, b, (SUM *)(b + WIDTH_BLOCK * DEPTH_BLOCK)};
}

INLINE matrix transposed(matrix m) {
    return (matrix){m.first, m.right, m.down};
}

/* C = A @ B, or the transposed problem C' = B' @ A', which is the same work. That is taken where C lies column by
   column, and where B has so few columns that most of each tile would be idle. */
INLINE void multiply_either_way(size rows, size columns, size depth, matrix a, matrix b, matrix c, workspace space) {
    int by_column = c.right != sizeof(SUM) && c.down == sizeof(SUM);
    if (by_column || (columns < COLUMNS && columns < rows)) {
        matrix left = transposed(b), right = transposed(a);
        size high = columns;
        columns = rows, rows = high, a = left, b = right, c = transposed(c);
    }
    size done = multiply_few_rows(rows, columns, depth, a, b, c, space);
    b.first += done * b.right, c.first += done * c.right;
    multiply(rows, columns - done, depth, a, b, c, space);
}
