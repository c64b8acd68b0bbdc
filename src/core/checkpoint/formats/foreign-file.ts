/** Files that are no checkpoint, known by their first bytes: what each is, and how to come from it to weights. */
import { ProsamError } from '../../common/errors.ts';

/** First bytes that are looked at. */
export const HEAD_BYTES = 512;

const AGAIN = 'Fetch the file again';
const UNPACK = 'Unpack it and name the weight file in it';
const CHECKPOINT_OF_IT = 'Graphs hold no names of layers and are not read: use the PyTorch or safetensors checkpoint it was made from';

/* eslint-disable no-control-regex -- formats begin with control characters */
/** Beginnings of files, as Latin-1 text, in the order they are tried. */
const BEGINNINGS: readonly (readonly [pattern: RegExp, what: string, advice: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    'a pointer of Git LFS, which stands for the file',
    'Run git lfs pull in its repository, or download the file itself',
  ],
  [
    /^(\.\.\/)*\.git\/annex\/objects\/|^\/annex\/objects\//,
    'a pointer of git-annex, which stands for the file',
    'Run git annex get in its repository',
  ],
  [
    /^(?:\xef\xbb\xbf)?\s*(?:<!--[^]*?-->\s*)?<(!doctype html|html|head|body)\b/i,
    'a web page, which a browser or a program saved in its place',
    'Download from the address of the file itself (on Hugging Face .../resolve/... in place of .../blob/...), after signing in or accepting terms where the page asks for it',
  ],
  [
    /^(?:\xef\xbb\xbf)?\s*<\?xml|^\s*<(Error|svg)\b/i,
    'XML, such as the answer of a server that has no such file',
    `${AGAIN} and look at what the server says`,
  ],
  [/^\x1f\x8b/, 'packed with gzip', UNPACK],
  [/^BZh[1-9]/, 'packed with bzip2', UNPACK],
  [/^\xfd7zXZ\0/, 'packed with xz', UNPACK],
  [/^\x28\xb5\x2f\xfd/, 'packed with Zstandard', UNPACK],
  [/^7z\xbc\xaf\x27\x1c/, 'a 7-Zip archive', UNPACK],
  [/^Rar!\x1a\x07/, 'a RAR archive', UNPACK],
  [/^[^]{257}ustar/, 'a tar archive', UNPACK],
  [
    /^GGUF|^(lmgg|ggml|tjgg)/,
    'a GGUF or GGML file, whose numbers are quantised for other programs',
    'Use the PyTorch or safetensors checkpoint it was made from',
  ],
  [
    /^\x89HDF\r\n\x1a\n/,
    'an HDF5 file, such as the weights of Keras',
    'Weights of TensorFlow and Keras are not read: use a PyTorch or safetensors checkpoint',
  ],
  [/^[^]{4}TFL3/, 'a TensorFlow Lite model', CHECKPOINT_OF_IT],
  [/^\x93NUMPY/, 'an array of NumPy', 'Save all weights under their names as safetensors'],
  [/^ftrt/, 'an engine of TensorRT', CHECKPOINT_OF_IT],
  [/^%PDF-|^\x89PNG\r\n|^\xff\xd8\xff|^GIF8|^RIFF[^]{4}WEBP/, 'a document or an image', 'Name the file with the weights'],
  [/^\x7fELF|^MZ|^(\xcf\xfa\xed\xfe|\xfe\xed\xfa\xcf)/, 'a program or a library', 'Name the file with the weights'],
  // Protocol buffers: field 1 is a version, field 2 text (ONNX: the program that made it; SavedModel: a graph).
  [
    /^\x08\x01\x12[^]{1,5}\x0a/,
    'a SavedModel of TensorFlow',
    'Weights of TensorFlow and Keras are not read: use a PyTorch or safetensors checkpoint',
  ],
  [/^\x08[\x01-\x20](\x12[\x01-\x40][\x20-\x7e]|\x3a|\x42)/, 'an ONNX graph', CHECKPOINT_OF_IT],
];

/* eslint-enable no-control-regex */

/** @throws CHECKPOINT_INVALID for a file that is known to be something else, and for one without bytes */
export function refuseForeign(head: Uint8Array, size: number, label: string): void {
  if (size === 0) throw foreign(label, 'an empty file', `${AGAIN}: the download or the copy did not begin`);
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join('');
  const known = BEGINNINGS.find(([pattern]) => pattern.test(text));
  if (known) {
    const stands = /^version https:\/\/git-lfs[^]*\nsize (\d{1,15})\n/.exec(text)?.[1];
    throw foreign(label, `${known[1]}${stands === undefined ? '' : ` of ${stands} bytes`}`, known[2]);
  }
  if (!isText(head)) return;
  if (/^\s*[[{]/.test(text)) throw foreign(label, 'JSON, such as the configuration of a model', 'Name the file with the weights beside it');
  throw foreign(label, `text that begins with ${JSON.stringify(text.trim().slice(0, 40))}`, `${AGAIN}, or name the file with the weights`);
}

/** Names in a zip archive that tell what it is, tried in this order. */
const ARCHIVES: readonly (readonly [pattern: RegExp, what: string, advice: string])[] = [
  [
    /(^|\/)(constants\.pkl|code\/.*\.py)$/,
    'a TorchScript program',
    'Load it with torch.jit.load where it is trusted and save model.state_dict(), or use the checkpoint it was made from',
  ],
  [/\.npy$/, 'an archive of NumPy arrays', 'Save all weights under their names as safetensors'],
  [
    /(^|\/)(model\.weights\.h5|keras_metadata\.pb|saved_model\.pb)$/,
    'a model of Keras or TensorFlow',
    'Weights of TensorFlow and Keras are not read: use a PyTorch or safetensors checkpoint',
  ],
  [/\.mlmodel$/, 'a model of Core ML', CHECKPOINT_OF_IT],
];

/** names: of all entries of a zip archive. @throws CHECKPOINT_INVALID for one that torch.save did not write */
export function refuseForeignArchive(names: readonly string[], label: string): void {
  const known = ARCHIVES.find(([pattern]) => names.some((name) => pattern.test(name)));
  if (known) throw foreign(label, known[1], known[2]);
  if (names.some((name) => /^[^/]+\/data\.pkl$/.test(name))) return;
  const weights = names.find((name) => /\.(safetensors|pth?|bin|ckpt)$/i.test(name));
  throw foreign(label, `a zip archive${weights === undefined ? '' : ` with ${JSON.stringify(weights)} in it`}`, UNPACK);
}

function foreign(label: string, what: string, advice: string): ProsamError {
  return new ProsamError(
    'CHECKPOINT_INVALID',
    `${label}: expected a checkpoint (safetensors, or PyTorch's torch.save), got ${what}. ${advice}.`,
  );
}

function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte !== 127));
}
