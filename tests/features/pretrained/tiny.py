"""Tiny models of each family, with random weights, written to disk as transformers writes them."""

import json
from pathlib import Path
from typing import Any

import torch

from tests.features.pretrained.extra import library

#: What wav2vec2, HuBERT, WavLM and data2vec have in common.
_SHAPE: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
_GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False}
_LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
_WAVLM = {"num_buckets": 32, "max_bucket_distance": 80}

#: Name → configuration class, model class, settings, whether the extractor returns a mask.
AUDIO = {
    "wav2vec2-base": ("Wav2Vec2Config", "Wav2Vec2Model", _SHAPE | _GROUP, False),
    "wav2vec2-large": ("Wav2Vec2Config", "Wav2Vec2Model", _SHAPE | _LAYER, True),
    "mms": ("Wav2Vec2Config", "Wav2Vec2Model", _SHAPE | _LAYER | {"adapter_attn_dim": 8}, True),
    "hubert-base": ("HubertConfig", "HubertModel", _SHAPE | _GROUP, False),
    "hubert-large": ("HubertConfig", "HubertModel", _SHAPE | _LAYER, True),
    "wavlm-base": ("WavLMConfig", "WavLMModel", _SHAPE | _WAVLM | _GROUP, False),
    "wavlm-large": ("WavLMConfig", "WavLMModel", _SHAPE | _WAVLM | _LAYER, True),
    "data2vec": ("Data2VecAudioConfig", "Data2VecAudioModel", _SHAPE, True),
}


def write_audio(folder: Path, name: str, *, do_normalize: bool = True) -> Path:
    """Write a model of a family that reads waveforms."""
    transformers = library("transformers")
    config, model, settings, mask = AUDIO[name]
    torch.manual_seed(0)
    built = getattr(transformers, model)(getattr(transformers, config)(**settings))
    built.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        do_normalize=do_normalize, return_attention_mask=mask
    ).save_pretrained(folder)
    return folder


def write_whisper(folder: Path) -> Path:
    """Write a Whisper that takes windows of 2 s."""
    transformers = library("transformers")
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32, vocab_size=64,
        max_source_positions=100, max_target_positions=16, num_mel_bins=80, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    transformers.WhisperModel(config).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=2).save_pretrained(folder)
    return folder


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "so", "good", "to", "see", "you", "##s", "never", "!"]


def write_text(folder: Path) -> Path:
    """Write a BERT of twelve words."""
    transformers = library("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=24,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS) + "\n", "utf-8")
    transformers.BertTokenizer.from_pretrained(str(folder)).save_pretrained(folder)
    return folder


def write_roberta(folder: Path) -> Path:
    """Write a RoBERTa whose tokens are letters and "so"; its positions begin behind padding's."""
    transformers = library("transformers")
    torch.manual_seed(0)
    letters = sorted({letter for word in WORDS[4:] for letter in word.strip("#")})
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "\u0120", *letters, "so"]
    config = transformers.RobertaConfig(
        vocab_size=len(tokens), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=26, pad_token_id=1, bos_token_id=0,
        eos_token_id=2,
    )  # fmt: skip
    transformers.RobertaModel(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\ns o\n")
    return folder


#: Name → what writes a tiny model of it.
TEXT = {"bert": write_text, "roberta": write_roberta}
