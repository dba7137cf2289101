"""The mathematics of Llama, Qwen2 and Mistral decoders in numpy, from Hugging Face artifacts.

Written to be read and to run small models without a GPU; results agree with transformers' to 1e-4.
"""

from tollgate.engines.decoder.attention import KeyValueCache
from tollgate.engines.decoder.config import DecoderConfig
from tollgate.engines.decoder.model import Decoder, load_decoder

__all__ = ["Decoder", "DecoderConfig", "KeyValueCache", "load_decoder"]
