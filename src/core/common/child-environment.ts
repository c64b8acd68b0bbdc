/** Environment of processes that are started: names on a list, so that no secret of this process goes along. */

/** Groups of variables beyond those every program needs. */
export type EnvironmentGroup = 'compute' | 'network' | 'postgres' | 's3' | 'python';

type Environment = Readonly<Record<string, string | undefined>>;

/** Places of programs, homes, temporary files, libraries and languages; on Windows, whatever processes cannot start without. */
const EVERY_PROGRAM =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_\w+|GLIBC_TUNABLES|MALLOC_\w+|NODE_\w+|UV_THREADPOOL_SIZE|COLUMNS|NO_COLOR|FORCE_COLOR|PROSAM_MODELS|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES.*|COMMONPROGRAMFILES.*|NUMBER_OF_PROCESSORS|PROCESSOR_\w+|OS)$/;

const GROUPS: Readonly<Record<EnvironmentGroup, RegExp>> = {
  /** Threads, GPUs and their drivers. */
  compute:
    /^(OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|DNNL|CUDA|CUDNN|CUBLAS|NVIDIA|NCCL|HIP|ROCM|ROCR|HSA|ORT|ONNXRUNTIME|TF(?!_VAR|_CLI)|XLA|TFJS|VK|MESA|LIBGL|EGL|GALLIUM|LP|VIPS|G)_\w+$|^(DISPLAY|WAYLAND_DISPLAY|PROSAM_CUDA_DIR)$/,
  /** Proxies and certificates. */
  network: /^((HTTP|HTTPS|NO|ALL|FTP)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/,
  /** Settings of the driver of Postgres, its password too. */
  postgres: /^PG[A-Z]+$/,
  /** Settings of the client of S3, its keys too. */
  s3: /^AWS_\w+$/,
  /** Interpreters and their packages, and where models of others lie. */
  python: /^(PYTHON\w*|VIRTUAL_ENV|CONDA_\w+|PIP_\w+|UV_\w+|HF_HOME|HF_HUB_OFFLINE|TORCH_\w+|PYTORCH_\w+|CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS)$/,
};

/** Groups that are there for their secrets. */
const TRUSTED: ReadonlySet<EnvironmentGroup> = new Set(['postgres', 's3']);
const SECRET = /TOKEN|SECRET|PASS(?!IVE)|PWD|CREDENTIAL|PRIVATE|KEY|AUTH(?!OR)|COOKIE|SESSION_?ID|DSN|SIGNATURE|(?:^|_)SALT/;

export interface EnvironmentNeeds {
  groups?: readonly EnvironmentGroup[];
  /** Further variables by name, whatever they hold. */
  names?: readonly string[] | undefined;
}

/** The part of an environment that a child needs. own: that of this process. */
export function childEnvironment(own: Environment, { groups = [], names = [] }: EnvironmentNeeds = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && (names.includes(name) || isNeeded(name.toUpperCase(), groups))) kept[name] = value;
  }
  return kept;
}

function isNeeded(name: string, groups: readonly EnvironmentGroup[]): boolean {
  if (groups.some((group) => TRUSTED.has(group) && GROUPS[group].test(name))) return true;
  return !SECRET.test(name) && (EVERY_PROGRAM.test(name) || groups.some((group) => GROUPS[group].test(name)));
}
