"""The parts of NeMo's token classifier that have weights, after its published definition."""

import torch
from transformers import BertConfig, BertModel


class MultiLayerPerceptron(torch.nn.Module):
    """As published: linear layers at even positions, torch's function of that name at odd ones."""

    def __init__(self, hidden_size, num_classes, num_layers=2, activation="relu", log_softmax=True):
        super().__init__()
        self.layers = 0
        for _ in range(num_layers - 1):
            setattr(self, f"layer{self.layers}", torch.nn.Linear(hidden_size, hidden_size))
            setattr(self, f"layer{self.layers + 1}", getattr(torch, activation))
            self.layers += 2
        setattr(self, f"layer{self.layers}", torch.nn.Linear(hidden_size, num_classes))
        self.layers += 1
        self.log_softmax = log_softmax

    def forward(self, hidden_states):
        for index in range(self.layers):
            hidden_states = getattr(self, f"layer{index}")(hidden_states)
        return torch.log_softmax(hidden_states, dim=-1) if self.log_softmax else hidden_states


class TokenClassifier(torch.nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)
        self.mlp = MultiLayerPerceptron(**options)

    def forward(self, hidden_states):
        return self.mlp(self.dropout(hidden_states))


class TokenClassificationModel(torch.nn.Module):
    """The parts of NeMo's model that have weights, under its names, and its forward pass."""

    def __init__(self, sizes, classes, layers, activation, log_softmax):
        super().__init__()
        self.bert_model = BertModel(BertConfig(**sizes, initializer_range=0.5))
        self.classifier = TokenClassifier(
            hidden_size=sizes["hidden_size"],
            num_classes=classes,
            num_layers=layers,
            activation=activation,
            log_softmax=log_softmax,
        )
        self.loss = torch.nn.CrossEntropyLoss(weight=torch.ones(classes))

    def forward(self, input_ids, token_type_ids, attention_mask):
        hidden_states = self.bert_model(
            input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask
        )[0]
        return self.classifier(hidden_states=hidden_states)
