/** The files TensorFlow's library comes in: wheels of the Python package index, each held to its sha256. */
import type { Wheel } from '../../setup/wheel-files.ts';

export const TENSORFLOW_VERSION = '2.21.0';

/** 'cpu', or 'cuda' for NVIDIA GPUs. */
export type Variant = 'cpu' | 'cuda';

const CPU: Wheel = {
  requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`,
  sha256: [
    'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb', // cp312
    'd143e92f5c0661cdfa26eaca8f73cd2efd0ec53a68af8dec82f584ba8eb14b83', // cp310
    '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c', // cp311
    '05af7c26d35f4de910b5598c7b507e3981831a7b0f47fed9a405d995d51d7793', // cp313
  ],
  megabytes: 274,
};

const CUDA: Wheel = {
  requirement: `tensorflow==${TENSORFLOW_VERSION}`,
  sha256: [
    'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0', // cp312
    '77c6f298e695ea1d283cdd7d30f8d97530cc6e92c1395a9ddbab9771c99233a4', // cp310
    '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124', // cp311
    'e9d8da8dcab9650efb45f032ba70af2f016f907e6e0c6bda29dd101bba945406', // cp313
  ],
  megabytes: 573,
};

/** Packages the and-cuda extra of that TensorFlow requires, at the newest versions of 2026-11-22. */
const NVIDIA: readonly (readonly [requirement: string, megabytes: number, sha256: string])[] = [
  ['nvidia-cublas-cu12==12.9.3.13', 581, 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72'],
  ['nvidia-cuda-cupti-cu12==12.9.79', 11, '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f'],
  ['nvidia-cuda-nvcc-cu12==12.9.86', 41, '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0'],
  ['nvidia-cuda-nvrtc-cu12==12.9.86', 90, '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4'],
  ['nvidia-cuda-runtime-cu12==12.9.79', 3, '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3'],
  ['nvidia-cudnn-cu12==9.28.0.42', 717, '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375'],
  ['nvidia-cufft-cu12==11.4.1.4', 201, 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28'],
  ['nvidia-curand-cu12==10.3.10.19', 68, '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e'],
  ['nvidia-cusolver-cu12==11.7.5.82', 338, '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88'],
  ['nvidia-cusparse-cu12==12.5.10.65', 366, '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78'],
  ['nvidia-nccl-cu12==2.32.3', 352, 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c'],
  ['nvidia-nvjitlink-cu12==12.9.86', 40, 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9'],
];

export const WHEELS: Record<Variant, readonly Wheel[]> = {
  cpu: [CPU],
  cuda: [CUDA, ...NVIDIA.map(([requirement, megabytes, sha256]): Wheel => ({ requirement, megabytes, sha256: [sha256] }))],
};

/** Folders and files taken out of the wheels: the libraries, and the few headers the addon is compiled against. */
export const WANTED_PARTS: readonly string[] = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tsl/platform/',
  'tensorflow/include/xla/tsl/c/',
  'nvidia/',
];
