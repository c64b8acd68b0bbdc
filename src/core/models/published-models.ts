/**
 * Published checkpoints by short names. Sizes, parameters and licenses are for people to choose by; what counts is what the hub
 * says when it is asked. Bytes are those of the published files, rounded; parameters those that are read, without SAM 2's video part.
 */

export interface CatalogueEntry {
  name: string;
  /** A whole SAM, or a backbone that goes with one. */
  role: 'sam' | 'backbone';
  /** owner/name on the hub. */
  repo: string;
  /** @default chosen among the repository's files */
  file?: string;
  about: string;
  license: string;
  bytes: number;
  parameters: number;
}

const MB = 1e6;

export const CATALOGUE: readonly CatalogueEntry[] = [
  sam('sam-vit-b', 'facebook/sam-vit-base', 'SAM ViT-B', 375, 93.7),
  sam('sam-vit-l', 'facebook/sam-vit-large', 'SAM ViT-L', 1250, 312),
  sam('sam-vit-h', 'facebook/sam-vit-huge', 'SAM ViT-H', 2564, 641),
  { ...sam('mobile-sam', 'dhkim2810/MobileSAM', 'MobileSAM (TinyViT)', 40.7, 10.1), file: 'mobile_sam.pt', license: 'apache-2.0' },
  sam('sam2.1-tiny', 'facebook/sam2.1-hiera-tiny', 'SAM 2.1 Hiera tiny', 156, 31.4),
  sam('sam2.1-small', 'facebook/sam2.1-hiera-small', 'SAM 2.1 Hiera small', 184, 38.5),
  sam('sam2.1-base-plus', 'facebook/sam2.1-hiera-base-plus', 'SAM 2.1 Hiera base+', 323, 73.3),
  sam('sam2.1-large', 'facebook/sam2.1-hiera-large', 'SAM 2.1 Hiera large', 898, 217),
  backbone('dinov2-s', 'facebook/dinov2-small', 'DINOv2 ViT-S/14', 88.2, 22.1, 'apache-2.0'),
  backbone('dinov2-b', 'facebook/dinov2-base', 'DINOv2 ViT-B/14', 346, 86.6, 'apache-2.0'),
  backbone('dinov2-l', 'facebook/dinov2-large', 'DINOv2 ViT-L/14', 1220, 304, 'apache-2.0'),
  backbone('dinov2-s-reg', 'facebook/dinov2-with-registers-small', 'DINOv2 ViT-S/14 with registers', 88.3, 22.1, 'apache-2.0'),
  backbone('dinov2-b-reg', 'facebook/dinov2-with-registers-base', 'DINOv2 ViT-B/14 with registers', 346, 86.6, 'apache-2.0'),
  backbone('dinov3-s', 'facebook/dinov3-vits16-pretrain-lvd1689m', 'DINOv3 ViT-S/16', 86.4, 21.6, 'dinov3-license'),
  backbone('dinov3-b', 'facebook/dinov3-vitb16-pretrain-lvd1689m', 'DINOv3 ViT-B/16', 343, 85.7, 'dinov3-license'),
  backbone('resnet50', 'timm/resnet50.tv_in1k', 'ResNet-50 of torchvision', 102, 25.6, 'bsd-3-clause'),
  backbone('vgg16', 'timm/vgg16.tv_in1k', 'VGG-16 of torchvision', 553, 138, 'bsd-3-clause'),
  backbone('vgg16-bn', 'timm/vgg16_bn.tv_in1k', 'VGG-16 of torchvision with batch norm', 554, 138, 'bsd-3-clause'),
];

function sam(name: string, repo: string, about: string, megabytes: number, millions: number): CatalogueEntry {
  return { name, role: 'sam', repo, about, license: 'apache-2.0', bytes: megabytes * MB, parameters: millions * MB };
}

function backbone(name: string, repo: string, about: string, megabytes: number, millions: number, license: string): CatalogueEntry {
  return { name, role: 'backbone', repo, about, license, bytes: megabytes * MB, parameters: millions * MB };
}

/** The entry of a short name, if there is one. */
export function catalogued(name: string): CatalogueEntry | undefined {
  return CATALOGUE.find((entry) => entry.name === name);
}
