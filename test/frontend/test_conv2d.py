import torch

from espnet_ext.frontend.conv2d import Conv2dSubsampling


def test_latents_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    conv = Conv2dSubsampling(input_size=10, channels=3, output_dim=8).eval()
    lengths_B = torch.tensor([37, 22, 1, 8])
    feats_BTF = torch.randn(4, 37, 10)  # what stands in the padding is noise, not zeros
    latents_BTD, frames_B = conv(feats_BTF, lengths_B)
    assert frames_B.tolist() == [10, 6, 1, 2]  # ceil(ceil(T / 2) / 2)
    assert latents_BTD.shape == (4, int(frames_B.max()), conv.output_size())
    for row, (length, frames) in enumerate(zip(lengths_B, frames_B, strict=True)):
        alone_TD = conv(feats_BTF[row : row + 1, :length], length[None])[0][0]
        torch.testing.assert_close(latents_BTD[row, :frames], alone_TD, rtol=1e-5, atol=1e-5)


def test_a_second_of_speech_is_25_latents():
    conv = Conv2dSubsampling(input_size=80, channels=2, output_dim=4)
    latents_BTD, frames_B = conv(torch.randn(1, 100, 80), torch.tensor([100]))
    assert frames_B.item() == latents_BTD.shape[1] == 25  # 40 ms each, from 10 ms frames
    assert conv.time_stride == 4
