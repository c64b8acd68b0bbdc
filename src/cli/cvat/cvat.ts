/** `prosam cvat`: what can be done with a CVAT from the command line. */
import type { Terminal } from '../common/terminal.ts';
import { UsageError } from '../common/usage.ts';

export const CVAT_HELP = `prosam cvat: fill tasks of a CVAT, find out why it does not reach prosam

  prosam cvat annotate --server URL --task N --reference-frame N   masks for a whole task from one labelled frame
  prosam cvat doctor                                             what is wrong with the connection, and how to put it right
  prosam cvat function-file                                      a function file for \`cvat-cli task auto-annotate\`
  prosam cvat agent                                              serve CVAT Enterprise or Online as an agent (experimental)

Who asks (of annotate, agent and doctor):
  --server URL            address of CVAT, as in the browser
  --token TOKEN           personal access token, or the key of /api/auth/login (default: CVAT_TOKEN)
  --user NAME             log in instead, with the password in CVAT_PASSWORD
  --organization SLUG     short name of the organization (default: CVAT_ORGANIZATION)

prosam cvat annotate
  --task N | --job N      what to fill; a job is one part of a large task
  --reference-frame N,..  frames where the objects are marked, as masks, polygons, rectangles, ellipses or points
  --labels NAME,..        labels to look for (default: all that are marked there)
  --frames A-B,N,..       frames to fill (default: all others); the first frame is 0
  --form FORM             mask, polygon or rectangle (default: mask, or what the label allows)
  --instances             one shape for each separate region
  --threshold X           leave out masks with a score below X, 0 to 1 (default: 0)
  --url URL               ask a running prosam service instead of computing here (token: PROSAM_TOKEN)
  --project NAME          its project; without --reference-frame its own references are used
  --dry-run               upload nothing; draw what would be uploaded
  --out DIR               where the pictures of a dry run go (default: prosam-cvat-dry-run)
  --log FILE              what was done, to go on after a break and to take it back
  --undo                  take back what the run of that log uploaded and nobody changed since
  --uploads DIR           where a service that learns looks up what was uploaded (default: prosam/cvat-uploads)
  --json                  one JSON line a frame on stdout
  Options of the engine (--model, --device, --method, ...): as of prosam segment.

prosam cvat doctor
  --url URL               address of prosam as CVAT's containers see it (default: http://host.docker.internal:8070)
  --json                  findings as JSON
  Exit code 1 when something is wrong.

prosam cvat function-file
  --url URL               address of the running prosam service (default: http://127.0.0.1:9090)
  --project NAME          whose references to use

prosam cvat agent
  --url URL --project NAME  the running service and its project (token: PROSAM_TOKEN)
  --kinds KIND,..         detector, interactor, tracker (default: all three)
  --name NAME             shown in CVAT (default: prosam)
  --public                for everybody in the organization, not only the owner of the token

Exit code: 0 all done, 1 some frames failed or something is wrong, 2 nothing done.

Examples:
  CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --reference-frame 0 --dry-run
  CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --reference-frame 0
  CVAT_TOKEN=... prosam cvat annotate --server http://localhost:8080 --task 12 --undo
  prosam cvat doctor --server http://localhost:8080
  prosam cvat function-file --project kitchen > prosam_function.py
`;

const COMMANDS: Record<string, () => Promise<(args: readonly string[], terminal: Terminal) => Promise<number>>> = {
  annotate: async () => (await import('./annotate.ts')).cvatAnnotate,
  doctor: async () => (await import('./doctor/doctor.ts')).cvatDoctor,
  'function-file': async () => (await import('./function-file.ts')).cvatFunctionFile,
  agent: async () => (await import('./agent.ts')).cvatAgent,
};

/** -> exit code */
export async function cvatCommand([name, ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  const load = name === undefined ? undefined : COMMANDS[name];
  if (load === undefined)
    throw new UsageError(
      `expected one of ${Object.keys(COMMANDS)
        .map((one) => `cvat ${one}`)
        .join(', ')}, got ${name ?? 'none'}.`,
    );
  return (await load())(rest, terminal);
}
