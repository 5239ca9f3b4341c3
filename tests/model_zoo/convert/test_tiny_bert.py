"""The model of most tests, made without transformers, is what transformers makes of its folder."""

import numpy as np
import openvino as ov


def test_the_ir_computes_what_transformers_computes(tiny_checkpoint, tiny_ir):
    import torch
    from transformers import AutoTokenizer, BertForTokenClassification

    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint)
    inputs = dict(tokenizer(["Mary lives in Santa Clara.", "The Yorkers"], padding=True, return_tensors="pt"))
    inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
    module, told = BertForTokenClassification.from_pretrained(tiny_checkpoint, output_loading_info=True)
    assert not any(told.values())
    with torch.no_grad():
        expected = module.eval()(**inputs).logits.numpy()
    run = ov.Core().compile_model(tiny_ir / "tiny.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = run({name: tensor.numpy() for name, tensor in inputs.items()})["output"]
    seen = inputs["attention_mask"].numpy().astype(bool)
    np.testing.assert_allclose(found[seen], expected[seen], rtol=0, atol=1e-4)
    assert np.ptp(expected.argmax(-1)) > 1
