/* NumPy's loop for matmul: a stack of products, `strides[0..2]` bytes from one to the next, then the strides of each
   operand's two axes. */

EXPORT_LOOP(char **operands, const size *counts, const size *strides, void *own) {
    context *context_ = own;
    size stack = counts[0], rows = counts[1], depth = counts[2], columns = counts[3];
    matrix a = {operands[0], strides[3], strides[4]};
    matrix b = {operands[1], strides[5], strides[6]};
    matrix c = {operands[2], strides[7], strides[8]};
    workspace space = divide(context_->scratch);
    context_->calls++;
    for (size i = 0; i < stack; i++) {
        multiply_either_way(rows, columns, depth, a, b, c, space);
        a.first += strides[0], b.first += strides[1], c.first += strides[2];
    }
}
