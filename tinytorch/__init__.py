"""TinyTorch: a small framework in the manner of PyTorch, written in NumPy to be read.

`from tinytorch import Tensor` gives the main names. Each lives in one file, and each file is built by
one chapter of the book: `tinytorch.core` by chapters 01–13, `tinytorch.perf` by 14–19 (14 has a folder
of files, `perf.profiling`), `tinytorch.olympics` by 20. A file is loaded when one of its names is first asked for, so that the
first chapters run without those that come later.
"""

from tinytorch.core.tensor import Tensor

__version__ = "0.1.0"

# Where each main name lives, in the order of the chapters.
PLACES = {
    "core.tensor": "Tensor from_numpy zeros ones zeros_like ones_like arange cat stack",
    "core.activations": "ReLU Sigmoid Tanh GELU Softmax",
    "core.layers": "Parameter Layer Linear Dropout Sequential manual_seed randn",
    "core.losses": "MSELoss CrossEntropyLoss BinaryCrossEntropyLoss BCEWithLogitsLoss log_softmax",
    "core.dataloader": "Dataset TensorDataset DataLoader RandomHorizontalFlip RandomCrop Compose",
    "core.autograd": "Function enable_autograd no_grad is_grad_enabled",
    "core.optimizers": "SGD Adam AdamW",
    "core.training": "CosineSchedule clip_grad_norm Trainer",
    "core.spatial": "Conv2d MaxPool2d AvgPool2d BatchNorm2d Flatten",
    "core.tokenization": "CharTokenizer BPETokenizer",
    "core.embeddings": "Embedding PositionalEncoding EmbeddingLayer",
    "core.attention": "scaled_dot_product_attention MultiHeadAttention create_causal_mask",
    "core.transformers": "LayerNorm MLP TransformerBlock GPT",
    "perf.profiling": "Profiler",
    "perf.quantization": "quantize_int8 dequantize_int8 QuantizedLinear QuantizedConv2d quantize_model",
    "perf.compression": "measure_sparsity magnitude_prune structured_prune low_rank_approximate KnowledgeDistillation",
    "perf.acceleration": "vectorized_matmul tiled_matmul fused_gelu",
    "perf.memoization": "KVCache enable_kv_cache disable_kv_cache",
    "perf.benchmarking": "Benchmark BenchmarkResult BenchmarkSuite MLPerf",
    "olympics": "BenchmarkReport generate_submission save_submission",
}
HOMES = {name: place for place, names in PLACES.items() for name in names.split()}

__all__ = list(HOMES)


def __getattr__(name):
    """Load the file in which a main name lives. Python calls this for names that are not there yet."""
    if name not in HOMES:
        raise AttributeError(f"module 'tinytorch' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tinytorch.{HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *HOMES})
