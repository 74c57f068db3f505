"""Kinds of kernels, and the time that overlapping kernels cover."""

from __future__ import annotations

import pytest

from benchmarks.gpu.step_profile import kind_of, union


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nvjet_tst_128x256_64x4_2x1_v_bz_coopA_NNT", "products"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_nn_n_tilesize128x128x64", "products"),
        ("void pytorch_flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel", "attention"),
        ("cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_6", "attention"),
        ("ncclDevKernel_AllReduce_Sum_f32_RING_LL", "between ranks"),
        ("triton_poi_fused_mul_silu_3", "fused pointwise"),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add>", "other pointwise"),
    ],
)
def test_kernels_are_told_apart_by_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_overlapping_kernels_count_once() -> None:
    assert union([(0, 4), (2, 5), (7, 8), (7.5, 7.6)]) == 6
