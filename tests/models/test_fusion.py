import torch

from wardround.models.fusion import ConcatenationFusion, LSTMFusion

torch.set_num_threads(1)


def fusions():
    torch.manual_seed(0)
    return [ConcatenationFusion(4, 6, 16, 25, dropout=0.2).eval(), LSTMFusion(6, 16, 25, dropout=0.2).eval()]


def test_modality_embeddings_become_label_logits():
    for fusion in fusions():
        assert fusion(torch.randn(5, 4, 6)).shape == (5, 25)
        assert fusion(torch.randn(0, 4, 6)).shape == (0, 25)


def test_every_modality_of_a_stay_counts_and_no_other_stay_does():
    for fusion in fusions():
        embeddings = torch.randn(5, 4, 6, requires_grad=True)
        fusion(embeddings)[2].sum().backward()
        reached = embeddings.grad.abs().sum(dim=-1) > 0
        assert reached[2].all()
        assert not reached[[0, 1, 3, 4]].any()


def test_the_concatenation_is_wide_and_the_lstm_reads_in_order():
    concatenation, lstm = fusions()
    assert concatenation.head[0].in_features == 24
    embeddings = torch.randn(5, 4, 6)
    assert not torch.allclose(lstm(embeddings), lstm(embeddings.flip(1)))
    state = lstm.lstm.lstm(embeddings)[0][:, -1]
    torch.testing.assert_close(lstm(embeddings), lstm.head(state), rtol=0, atol=1e-6)
