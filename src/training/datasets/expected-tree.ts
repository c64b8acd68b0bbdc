/** Expected layout and origin of each kind of data, for the moment it is not found. */
import { ProsamError } from '../../core/common/errors.ts';

export const DATASET_FORMATS = ['folder', 'pascal', 'coco', 'yolo', 'voc-masks', 'cvat', 'labelme', 'datumaro', 'label-studio'] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

const EXPECTED_TREES: Record<DatasetFormat, string> = {
  folder: `Your own images with label maps:
  DIR/
    images/        a.jpg b.png ...
    masks/         a.png b.png ...   indexed or grey PNG, 8 bits: class id as pixel value, 0 background, 255 ignored
    classes.json   ["cup", "dog"]    ids 1, 2, ... in this order`,
  pascal: `PASCAL-5i (PASCAL VOC 2012 trainval from the PASCAL VOC project, University of Oxford; label maps augmented by SBD, the
Semantic Boundaries Dataset of Hariharan et al., usually passed on as SegmentationClassAug):
  VOC2012/
    JPEGImages/                       2007_000027.jpg ...
    SegmentationClassAug/             2007_000032.png ...
    ImageSets/Segmentation/val.txt
    ImageSets/SegmentationAug/train_aug.txt   (optional)
    fss_list/{train,val}/             (optional) data_list_0.txt, sub_class_file_list_0.txt ... as VRP-SAM publishes them`,
  coco: `COCO-20i (COCO 2014 train and val images with their annotations, from the download page of cocodataset.org; 2017 works too):
  COCO/
    annotations/   instances_train2014.json instances_val2014.json
    train2014/     COCO_train2014_000000000009.jpg ...
    val2014/       COCO_val2014_000000000042.jpg ...
    fss_list/{train,val}/   (optional) data_list_0.txt, sub_class_file_list_0.txt ... as VRP-SAM publishes them
or COCO as a labeling tool exports it: any JSON with images, annotations (segmentation) and categories, the images beside it or below images/`,
  yolo: `YOLO-seg:
  DIR/
    data.yaml      names: [cup, dog], train: images/train, val: images/val
    images/train/  a.jpg ...
    labels/train/  a.txt ...   class x1 y1 x2 y2 x3 y3 ..., in shares of the image`,
  'voc-masks': `Label maps as Pascal VOC or CVAT ("Segmentation mask 1.1") keep them:
  DIR/
    SegmentationClass/   a.png ...
    JPEGImages/          a.jpg ...
    labelmap.txt         cup:128,0,0::   (CVAT)`,
  cvat: `CVAT for images 1.1:
  DIR/
    annotations.xml
    images/   a.jpg ...`,
  labelme: `labelme:
  DIR/   a.json a.jpg b.json b.jpg ...`,
  datumaro: `Datumaro:
  DIR/
    annotations/   train.json ...
    images/train/  a.jpg ...`,
  'label-studio': `Label Studio, exported as JSON:
  DIR/
    project.json
    images/   the image files by their names`,
};

/** @param formats those the path may have been meant to be */
export function notFound(path: string, problem: string, formats: readonly DatasetFormat[] = DATASET_FORMATS): ProsamError {
  const trees = formats.map((format) => EXPECTED_TREES[format]).join('\n\n');
  const wanted = formats.length === 1 ? 'this tree' : 'one of these trees';
  return new ProsamError('DATASET_NOT_FOUND', `${path}: ${problem}. Expected ${wanted}:\n\n${trees}`);
}
