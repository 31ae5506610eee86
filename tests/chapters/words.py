"""Words that a chapter introduces, by chapter number.

No hint, check or error message of an earlier chapter uses them: a reader has not met them yet.
A word is listed where its meaning in machine learning is meant and has no everyday use here.
"""

INTRODUCED = {
    2: ("activation", "activations", "relu", "sigmoid", "softmax", "tanh", "gelu", "logits", "neuron", "neural"),
    3: ("layer", "layers", "weight", "weights", "bias", "model", "network", "dropout", "parameter", "parameters", "fan_in", "kaiming", "xavier",
        "training"),
    4: ("loss", "losses", "cross-entropy", "log-sum-exp", "mean squared error"),
    5: ("batch", "batches", "dataset", "datasets", "dataloader", "minibatch", "collate", "augmentation", "epoch", "epochs"),
    6: ("gradient", "gradients", "autograd", "backward", "backpropagation", "requires_grad", "derivative", "differentiation", "topological",
        "no_grad", "unbroadcast"),
    7: ("optimizer", "optimizers", "momentum", "learning rate", "weight decay", "adam", "adamw", "sgd"),
    8: ("overfitting", "clipping", "checkpoint", "checkpoints"),
    9: ("convolution", "kernel", "pooling", "channel", "channels"),
    10: ("token", "tokens", "tokenizer", "vocabulary"),
    11: ("embedding", "embeddings"),
    12: ("attention", "query", "queries"),
    13: ("transformer", "layernorm"),
    15: ("quantization", "quantize"),
    16: ("pruning", "sparsity", "distillation"),
    17: ("tiling", "simd"),
    18: ("memoization", "kv cache"),
}
