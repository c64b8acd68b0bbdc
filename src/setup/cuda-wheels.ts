/** The files the CUDA provider and NVIDIA's libraries under it come in: wheels of the Python package index, each held to its sha256. */
import type { Wheel } from './wheel-files.ts';

/** Version of onnxruntime-node: the provider and the library that loads it are one build. */
export const PROVIDER_VERSION = '1.30.0';

/** CUDA version that provider was built for. NVIDIA's drivers from 580 on run it. */
export const CUDA_VERSION = '13';
export const MIN_DRIVER = '580';

/** Smallest glibc of the provider's wheel: manylinux_2_28. */
export const MIN_GLIBC_MINOR = 28;

const PROVIDER: Wheel = {
  requirement: `onnxruntime-gpu==${PROVIDER_VERSION}`,
  sha256: [
    '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1', // cp312
    '4fbf0c5d7b5fb99266c2e8a802e3e64af68bdc383e0f3c7349b985f1087eedaa', // cp311
    '9aba23f903f434cc55d851aeb801afee19e287c202f4ab8f59d02f04caa90aed', // cp313
    '5aacc98f394a13f4891c0a07e60479d8fb0b1ea6f3328b6b38cfc88f9dfb05ea', // cp314
  ],
  megabytes: 247,
  platform: 'manylinux_2_28_x86_64',
};

/** Packages the cuda and cudnn extras of that wheel require, with their own requirements, at the newest versions of 2026-11-26. */
const NVIDIA: readonly (readonly [requirement: string, megabytes: number, sha256: string])[] = [
  ['nvidia-cuda-runtime==13.5.37', 3, 'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d'],
  ['nvidia-cuda-nvrtc==13.5.37', 58, '86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc'],
  ['nvidia-nvjitlink==13.5.37', 47, '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb'],
  ['nvidia-cublas==13.10.0.20', 444, 'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84'],
  ['nvidia-curand==10.4.5.25', 77, '22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529'],
  ['nvidia-cufft==12.5.0.14', 165, 'b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad'],
  ['nvidia-cudnn-cu13==9.28.1.4', 517, 'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec'],
];

export const CUDA_WHEELS: readonly Wheel[] = [
  PROVIDER,
  ...NVIDIA.map(([requirement, megabytes, sha256]): Wheel => ({ requirement, megabytes, sha256: [sha256] })),
];

export const CUDA_MEGABYTES = CUDA_WHEELS.reduce((sum, { megabytes }) => sum + megabytes, 0);

/** Folders and files taken out of the wheels. */
export const CUDA_PARTS: readonly string[] = ['onnxruntime/capi/libonnxruntime_providers_', 'nvidia/cu13/lib/', 'nvidia/cudnn/lib/'];
