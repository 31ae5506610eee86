/* Packing for float32 and float64: a panel is `width` lines of a matrix, ROWS of A or COLUMNS of B, laid out so that
   one step of the inner loop finds its `width` numbers side by side:

       out[k * width + line] = number k of that line

   `across` is the distance in bytes from line to line, `along` that from number to number in a line. The file that
   includes this one has defined transpose(): a square of LANES x LANES numbers, read line by line, written step by
   step. */

INLINE NUMBER number(const char *at) {
    return *(const NUMBER *)at;
}

/* Any layout, also fewer lines than the panel is wide; the missing ones are 0 and their sums are never looked at. */
INLINE void pack_one_by_one(NUMBER *out, const char *from, size across, size along, size lines, size depth, int width) {
    for (size k = 0; k < depth; k++, from += along, out += width)
        for (int line = 0; line < width; line++)
            out[line] = line < lines ? number(from + line * across) : 0;
}

/* The lines lie side by side already: each step is a copy. */
INLINE void pack_by_copying(NUMBER *out, const char *from, size along, size depth, int width) {
    for (size k = 0; k < depth; k++, from += along, out += width)
        for (int line = 0; line < width; line += LANES)
            wasm_v128_store(out + line, wasm_v128_load(from + line * sizeof(NUMBER)));
}

/* Each line is contiguous in itself: squares of numbers are turned in registers. */
INLINE void pack_by_turning(NUMBER *out, const char *from, size across, size depth, int width) {
    size k = 0;
    for (; k + LANES <= depth; k += LANES, from += 16, out += LANES * width)
        for (int line = 0; line < width; line += LANES)
            transpose(out + line, width, from + line * across, across);
    pack_one_by_one(out, from, across, sizeof(NUMBER), width, depth - k, width);
}

INLINE void pack(NUMBER *out, const char *from, size across, size along, size lines, size depth, int width) {
    if (lines == width && across == sizeof(NUMBER)) pack_by_copying(out, from, along, depth, width);
    else if (lines == width && along == sizeof(NUMBER)) pack_by_turning(out, from, across, depth, width);
    else pack_one_by_one(out, from, across, along, lines, depth, width);
}
