/** The part of the configuration that comes from environment variables. */
import { commaList } from '../core/common/comma-list.ts';
import { ProsamError } from '../core/common/errors.ts';
import { closest } from './suggest.ts';

/** The password may hold colons. */
const login = (value: string): unknown => {
  const [name = '', ...password] = value.split(':');
  return [{ name, access: 'write', password: password.join(':') }];
};

/** Names and numbers; a name nobody knows is told apart by the configuration. */
const numbers = (value: string): unknown =>
  Object.fromEntries(
    commaList(value).map((part) => {
      const [name = '', number = ''] = part.split('=').map((side) => side.trim());
      return [name, number === '' ? Number.NaN : Number(number)];
    }),
  );

/** Path in the configuration and parser of each variable. */
const VARIABLES: Record<string, { path: readonly string[]; parse?: (value: string) => unknown; about: string }> = {
  PROSAM_HOST: { path: ['host'], about: 'address to listen on' },
  PROSAM_PORT: { path: ['port'], parse: Number, about: 'port to listen on' },
  PROSAM_DATABASE: { path: ['database'], about: 'SQLite file or postgres:// address' },
  PROSAM_OBJECTS: { path: ['objects'], about: 'folder or s3:// address' },
  PROSAM_STORAGE_TIMEOUTS: { path: ['storageTimeouts'], parse: numbers, about: 'of both, such as lockMs=5000,objectMs=120000' },
  PROSAM_MODEL: { path: ['model'], about: 'name of a model (prosam models list) or model folder' },
  PROSAM_DEVICE: { path: ['device'], about: 'what computes' },
  PROSAM_THREADS: {
    path: ['threads'],
    parse: (text: string) => (text === 'auto' ? text : Number(text)),
    about: 'CPU threads of one operator',
  },
  PROSAM_PRECISION: { path: ['precision'], about: 'what the image networks compute in' },
  PROSAM_EXTERNAL: { path: ['external', 'place'], about: 'address or command of the method external' },
  PROSAM_EXTERNAL_ENV: {
    path: ['external', 'environment'],
    parse: commaList,
    about: 'names of variables that this command gets, with commas',
  },
  PROSAM_CACHE: { path: ['cache'], about: 'folder for features of images' },
  PROSAM_TOKEN: {
    path: ['auth', 'tokens'],
    parse: (token) => [{ name: 'environment', access: 'admin', token }],
    about: 'a token that may do everything',
  },
  PROSAM_IMAGE_FOLDER: { path: ['images', 'folder'], about: 'root of images named by path' },
  PROSAM_ALLOW_HOSTS: { path: ['images', 'allowHosts'], parse: commaList, about: 'private hosts images may come from, with commas' },
  PROSAM_CALLBACK_SECRET: { path: ['callbacks', 'secret'], about: 'signs what is pushed' },
  PROSAM_CALLBACK_HOSTS: { path: ['callbacks', 'allowHosts'], parse: commaList, about: 'private hosts that may be pushed to, with commas' },
  PROSAM_LABEL_STUDIO_URL: { path: ['labelStudio', 'url'], about: 'address of Label Studio as seen from here' },
  PROSAM_LABEL_STUDIO_TOKEN: { path: ['labelStudio', 'token'], about: 'token of one of its users' },
  PROSAM_LABEL_STUDIO_BACKEND_URL: { path: ['labelStudio', 'backendUrl'], about: 'address at which it reaches this service' },
  PROSAM_LABEL_STUDIO_LOGIN: { path: ['auth', 'basic'], parse: login, about: 'user:password it logs in here with' },
  PROSAM_CVAT_URL: { path: ['cvat', 'url'], about: 'address of CVAT as seen from here' },
  PROSAM_CVAT_TOKEN: { path: ['cvat', 'token'], about: 'token of one of its users' },
  PROSAM_CVAT_PORT: { path: ['cvat', 'port'], parse: Number, about: "port that CVAT takes for Nuclio's" },
  PROSAM_CVAT_HOST: { path: ['cvat', 'host'], about: 'address of that port' },
  PROSAM_CVAT_ALLOW_FROM: { path: ['cvat', 'allowFrom'], parse: commaList, about: 'addresses or networks that may reach it, with commas' },
  PROSAM_CVAT_WEBHOOK_SECRET: { path: ['cvat', 'webhook', 'secret'], about: 'secret of its webhooks' },
  PROSAM_LEARNER: { path: ['learner', 'run'], about: 'managed, external or off' },
  PROSAM_BASE_PATH: { path: ['http', 'basePath'], about: "path of the service in its proxy's address" },
  PROSAM_ALLOW_ORIGINS: {
    path: ['http', 'allowOrigins'],
    parse: commaList,
    about: 'origins of pages that may call with a token, with commas',
  },
  PROSAM_LOG_LEVEL: { path: ['log', 'level'], about: 'info, warn, error or silent' },
};

/** Variables of the command line, of every command (the folder of models) and of tests; not part of the configuration. */
const OTHERS = /^PROSAM_(REQUIRE_|TEST_|MODELS$|CONFIG$|URL$|CHROMIUM$|MOTO_SERVER$|POSTGRES$|CLIENT_TOKEN$)/;

/** For --help. */
export const ENVIRONMENT_HELP = Object.entries(VARIABLES)
  .map(([name, { about }]) => `  ${name.padEnd(24)}${about}`)
  .join('\n');

/** @throws CONFIG_INVALID for a name that begins with PROSAM_ and is not one of them */
export function configFromEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('PROSAM_') || OTHERS.test(name) || value === undefined || value === '') continue;
    const variable = VARIABLES[name];
    if (variable === undefined) {
      const meant = closest(name, Object.keys(VARIABLES));
      throw new ProsamError(
        'CONFIG_INVALID',
        `there is no environment variable ${name}. ${meant === undefined ? `Known: ${Object.keys(VARIABLES).join(', ')}.` : `Did you mean ${meant}?`}`,
      );
    }
    let place = config;
    const path = [...variable.path];
    const last = path.pop() as string;
    for (const key of path) place = (place[key] ??= {}) as Record<string, unknown>;
    place[last] = variable.parse ? variable.parse(value) : value;
  }
  return config;
}
