"""Makes minilm.npz, which tests/pretrained/test_minilm.py compares with jaxpe's MiniLM. Needs torch and transformers.

    python make_minilm.py FOLDER        # with the config.json, model.safetensors and tokenizer.json of all-MiniLM-L6-v2

The independent implementation is transformers' BertModel with the pooling of sentence-transformers: the mean over the tokens,
scaled to length 1. Stored are the ids, the first eight coordinates of each token in each layer, the sentence embeddings, and
the last layer with positions shifted by three and with none (a table of zeros).
"""

import sys

import numpy as np
import torch
import transformers

SENTENCES = ("The dog bit the man.", "Order is everything: a man who was bitten by the dog wrote it down.")


def main(folder: str) -> None:
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json", pad_token="[PAD]")
    encoded = tokenizer(list(SENTENCES), padding="longest", truncation=False, return_tensors="pt")
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    moved = torch.arange(ids.shape[1])[None] + 3
    with torch.no_grad():
        outputs = model(ids, attention_mask=mask, output_hidden_states=True)
        shifted = model(ids, attention_mask=mask, position_ids=moved).last_hidden_state
        model.embeddings.position_embeddings.weight.zero_()
        without = model(ids, attention_mask=mask).last_hidden_state
    last = outputs.last_hidden_state
    mean = (last * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    np.savez_compressed(
        "minilm.npz",
        sentences=np.array(SENTENCES),
        ids=ids.numpy().astype(np.int32),
        mask=mask.numpy().astype(bool),
        layers=torch.stack(outputs.hidden_states)[..., :8].numpy(),
        shifted=shifted[..., :8].numpy(),
        without=without[..., :8].numpy(),
        pooled=torch.nn.functional.normalize(mean, dim=1).numpy(),
        versions=np.array([f"torch {torch.__version__}", f"transformers {transformers.__version__}"]),
    )


if __name__ == "__main__":
    main(sys.argv[1])
